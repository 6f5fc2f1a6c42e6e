import { badRequest } from './refusals.js';

/** Fields that an answer has only if they are expanded. */
const ON_REQUEST: Record<string, readonly string[]> = {
  'checkout.session': ['line_items'],
  invoice: ['payments', 'amount_paid_off_stripe'],
  charge: ['refunds'],
};

/** Maximum length of a list inside an object. */
const MAX_EMBEDDED = 10;

type Paths = readonly (readonly string[])[];

/**
 * An object as an answer shows it (an account that is the customer stands under `customer_account`), with
 * what `expand[]` asks for: a copy.
 */
export function present(
  resource: unknown,
  expand: readonly string[] = [],
  find: (id: string) => unknown = () => undefined,
): unknown {
  return show(
    JSON.parse(JSON.stringify(resource)),
    expand.map((path) => path.split('.')),
    '',
    find,
  );
}

function show(value: unknown, paths: Paths, name: string, find: (id: string) => unknown): unknown {
  if (typeof value === 'string' && paths.length > 0) {
    const found = find(value);
    if (!found) throw cannotExpand(name);
    return show(JSON.parse(JSON.stringify(found)), paths, name, find);
  }
  if (Array.isArray(value)) return value.map((item: unknown) => show(item, paths, name, find));
  if (typeof value !== 'object' || value === null) return value;
  const unknown = paths.find(([head]) => head !== undefined && !(head in value))?.[0];
  if (unknown !== undefined) throw cannotExpand(unknown);
  if ('customer' in value && typeof value.customer === 'string' && value.customer.startsWith('acct_'))
    return show({ ...value, customer: null, customer_account: value.customer }, paths, name, find);
  const shown =
    name !== '' && isLongList(value)
      ? { ...value, data: value.data.slice(0, MAX_EMBEDDED), has_more: true }
      : value;
  const onRequest =
    'object' in value && typeof value.object === 'string' ? (ON_REQUEST[value.object] ?? []) : [];
  return Object.fromEntries(
    Object.entries(shown).flatMap(([field, inner]) => {
      const below = paths.filter(([head]) => head === field).map(([, ...rest]) => rest);
      return onRequest.includes(field) && below.length === 0
        ? []
        : [[field, show(inner, below, field, find)]];
    }),
  );
}

function isLongList(value: object): value is { object: 'list'; data: unknown[] } {
  const { object, data } = value as { object?: unknown; data?: unknown };
  return object === 'list' && Array.isArray(data) && data.length > MAX_EMBEDDED;
}

const cannotExpand = (name: string) => badRequest(`This property cannot be expanded (${name}).`, 'expand');
