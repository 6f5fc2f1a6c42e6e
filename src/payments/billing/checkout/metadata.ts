import type { Problem } from '../../../common/errors.js';
import type { Buyer } from '../buyer.guard.js';

/** Stripe's limits. */
const MAX_ENTRIES = 50;
const MAX_NAME_LENGTH = 40;
const MAX_VALUE_LENGTH = 500;
/** Entries that `ownMetadata` adds. */
const OWN_ENTRIES = 2;

export type Metadata = Record<string, string>;

/** Metadata in a request. Stripe stores text, so other values are converted. */
export type MetadataInput = Record<string, string | number | boolean | null>;

/** Metadata that link a Stripe object to a user in the ledger. */
export function ownMetadata({ userId, projectId }: Pick<Buyer, 'userId' | 'projectId'>): Metadata {
  return { user_id: userId, project_id: projectId };
}

/** Merges the request's metadata with ours, which take precedence. */
export function mergedMetadata(given: MetadataInput, buyer: Pick<Buyer, 'userId' | 'projectId'>): Metadata {
  const texts = Object.entries(given).flatMap(([name, value]) =>
    value === null ? [] : [[name, String(value)]],
  );
  return { ...(Object.fromEntries(texts) as Metadata), ...ownMetadata(buyer) };
}

export function metadataProblem(value: unknown): Omit<Problem, 'loc'> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value))
    return { type: 'dict_type', msg: 'must be an object' };
  const entries = Object.entries(value as Record<string, unknown>);
  const own = entries.filter(([name]) => name === 'user_id' || name === 'project_id').length;
  if (entries.length - own > MAX_ENTRIES - OWN_ENTRIES)
    return wrong(
      `must have at most ${MAX_ENTRIES - OWN_ENTRIES} entries, since user_id and project_id are added and Stripe takes ${MAX_ENTRIES}`,
    );
  for (const [name, text] of entries) {
    if (name === '' || lengthOf(name) > MAX_NAME_LENGTH || /[[\]]/.test(name) || !isText(name))
      return wrong(`must have names of 1 to ${MAX_NAME_LENGTH} characters without square brackets`);
    if (text === null || typeof text === 'number' || typeof text === 'boolean') continue;
    if (typeof text !== 'string' || !isText(text))
      return wrong('must have values that are text, numbers, true, false or null');
    if (lengthOf(text) > MAX_VALUE_LENGTH)
      return wrong(`must have values of at most ${MAX_VALUE_LENGTH} characters`);
  }
  return undefined;
}

function isText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function lengthOf(text: string): number {
  return [...text].length;
}

function wrong(msg: string): Omit<Problem, 'loc'> {
  return { type: 'value_error', msg };
}
