/**
 * Writes src/payments/gateway/gateway-operations.ts: every operation and expandable field that the installed
 * Stripe SDK knows. `--check` only compares. Run it after an update of the SDK, and read the difference.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const SDK = join(import.meta.dirname, '../node_modules/stripe/esm');
const TARGET = join(import.meta.dirname, '../src/payments/gateway/gateway-operations.ts');

/** Operations that Stripe has and the SDK lacks. */
const BESIDE_THE_SDK = [{ method: 'GET', path: '/v1/files/{}/contents', host: 'files' }];
/**
 * Fields of former API versions, which a client may ask for by `Stripe-Version`. Stripe's changelog lists their
 * removal in 2022-11-15, 2025-03-31 and 2025-09-30. stripe-java's types still have the dispute of a charge.
 */
const FORMER_FIELDS = {
  charge: { dispute: 'dispute', invoice: 'invoice' },
  discount: { coupon: '+coupon' },
  invoice: { charge: 'charge', payment_intent: 'payment_intent', subscription: 'subscription' },
  invoiceitem: { price: '+price' },
  line_item: { price: '+price' },
  payment_intent: { charges: '+charge', invoice: 'invoice' },
  promotion_code: { coupon: '+coupon' },
};
/** Parts of an object that are hidden because they are personal data. */
const SENSITIVE = ['identity.verification_session verified_outputs', 'issuing.token network_data'];
/** Parts within a part that clients ask for. */
const INCLUDED_WITHIN = ['restrictions.currency_options', 'fixed_amount.currency_options'];
/** Where the cards and bank accounts of a field are, if not with the object around it. */
const PLACES_BY_FIELD = { 'payout.destination': 'accounts', default_source: 'customers' };
/** Hosts that the gateway reaches. Those of OAuth and of meter event streams take other credentials. */
const HOSTS = ['api', 'files'];
/** Gives out a token that works at Stripe directly. */
const UNREACHABLE = ['/v2/billing/meter_event_session'];

const program = ts.createProgram([join(SDK, 'stripe.esm.node.d.ts')], {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  types: ['node'],
});
const checker = program.getTypeChecker();

/** Calls of the SDK: class, method, and the request that it makes. */
function* calls() {
  const files = readdirSync(join(SDK, 'resources'), { recursive: true }).filter((name) =>
    name.endsWith('.js'),
  );
  for (const file of files.sort()) {
    const text = readFileSync(join(SDK, 'resources', file), 'utf8');
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    for (const type of source.statements.filter(ts.isClassDeclaration))
      for (const member of type.members.filter(ts.isMethodDeclaration))
        for (const call of requestsIn(member, source))
          yield { file, type: type.name.text, name: member.name.getText(source), ...call };
  }
}

function* requestsIn(node, source) {
  if (ts.isCallExpression(node) && node.expression.getText(source).endsWith('._makeRequest')) {
    const [method, path, , , options] = node.arguments;
    const host = /apiBase: '(\w+)'/.exec(options?.getText(source) ?? '')?.[1] ?? 'api';
    const isList = /methodType: 'list'/.test(options?.getText(source) ?? '');
    if (ts.isStringLiteral(method) && !ts.isPropertyAccessExpression(path))
      yield { method: method.text, path: templateOf(path), host, isList };
  }
  for (const child of node.getChildren(source)) yield* requestsIn(child, source);
}

/** `/v1/customers/{}` */
function templateOf(path) {
  if (ts.isStringLiteralLike(path)) return path.text;
  return path.head.text + path.templateSpans.map(({ literal }) => `{}${literal.text}`).join('');
}

const found = [...calls()].map((call) => ({ ...call, types: returnedBy(call) }));
const operations = [...found, ...BESIDE_THE_SDK].filter(
  ({ path, host }) => /^\/v[12]\//.test(path) && HOSTS.includes(host) && !UNREACHABLE.includes(path),
);
const paths = new Set(operations.map(({ path }) => path));

const VERB = /\/(?:find|delete|search)$/;
const isVerb = (path) => VERB.test(path);

/** The words of the path before its first id, without a verb as in `/v1/customers/search`. */
function resourceOf(path) {
  const words = path.split('/{}')[0].replace(VERB, '').split('/').slice(2);
  for (let length = 1; length < words.length; length += 1) {
    const start = ['', path.split('/')[1], ...words.slice(0, length)].join('/');
    if ([...paths].some((other) => other.startsWith(`${start}/{}`))) return words.slice(0, length).join('/');
  }
  return words.join('/');
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

const words = (set) => [...new Set(set)].sort().join(' ');

function operationLines() {
  return groupBy(operations, ({ path }) => resourceOf(path)).flatMap(([resource, ofResource]) => [
    resource,
    ...groupBy(ofResource, ({ path }) => path).map(([path, calls]) => {
      const objects = words(calls.flatMap(({ types = [] }) => types.map(objectName).filter(Boolean)));
      const methods = calls.map(({ method, host: own }) => (own === 'files' ? `${method}@files` : method));
      return `  ${words(methods)} ${path}${objects && path.startsWith('/v1/') ? ` = ${objects}` : ''}`;
    }),
  ]);
}

/** The name of a type of Stripe's objects: `customer`. */
function objectName(type) {
  const property = type.getProperty?.('object');
  const value = property && checker.getTypeOfSymbol(property);
  return value?.isStringLiteral() && value.value !== 'list' ? value.value : undefined;
}

/** The objects in a type: in lists and arrays those inside, in unions each. */
function objectsIn(type) {
  if (type.isUnion()) return type.types.flatMap(objectsIn);
  if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return [];
  if (checker.isArrayType(type)) return objectsIn(checker.getTypeArguments(type)[0]);
  const data = type.getProperty('data');
  const isList = data && type.getProperty('has_more');
  return isList ? objectsIn(checker.getTypeOfSymbol(data)) : [type];
}

/** Whether a value may be an id instead of an object, or an array of such. */
function isReference(type) {
  if (checker.isArrayType(type)) return isReference(checker.getTypeArguments(type)[0]);
  if (!type.isUnion()) return (type.flags & ts.TypeFlags.StringLike) !== 0;
  return type.types.some(isReference);
}

/** Whether a value is an object of its parent alone, or several. */
function isPart(type) {
  const inner = objectsIn(type);
  return inner.length > 0 && !isReference(type) && inner.every((each) => objectName(each) === undefined);
}

function formerFields(name) {
  const former = Object.entries(FORMER_FIELDS[name] ?? {});
  return new Map(former.map(([field, object]) => [field, new Set([object])]));
}

/** The objects that a method of the SDK returns. */
function returnedBy({ file, type, name }) {
  const source = program.getSourceFile(join(SDK, 'resources', file.replace(/js$/, 'd.ts')));
  const declared = source?.statements.find((node) => ts.isClassDeclaration(node) && node.name.text === type);
  const method = declared?.members.find((member) => member.name?.getText(source) === name);
  const signature = method && checker.getSignatureFromDeclaration(method);
  const answer = signature && checker.getReturnTypeOfSignature(signature);
  const argument = answer && (answer.aliasTypeArguments ?? checker.getTypeArguments(answer))[0];
  return argument ? objectsIn(argument.aliasTypeArguments?.[0] ?? argument) : [];
}

/**
 * Resources by object: where one is retrieved by its id, best without the id of another, else listed. An object
 * that is only listed below another one is a part of that.
 */
function resourcesByObject() {
  const resources = new Map();
  const ranked = found
    .filter(({ method, path }) => method === 'GET' && path.startsWith('/v1/'))
    .map((call) => ({ ...call, rank: rankOf(call) }))
    .filter(({ rank }) => rank !== undefined)
    .sort((a, b) => a.rank - b.rank);
  for (const { path, rank, types } of ranked)
    for (const name of types.map(objectName).filter(Boolean)) {
      const known = resources.get(name);
      if (known && known.rank < rank) continue;
      resources.set(name, { rank, names: [...(known?.names ?? []), resourceOf(path)] });
    }
  return resources;
}

function rankOf({ path, isList }) {
  const ids = path.split('{}').length - 1;
  if (path.endsWith('/{}') && !isList) return ids;
  return ids === 0 && !isVerb(path) ? Infinity : undefined;
}

/**
 * Each object with its resources, its own parts that an expansion may ask for, and the fields with other objects.
 * A part is never a text or a number: those that Stripe hides are secrets. The objects of events are any.
 */
function objectLines() {
  const resources = resourcesByObject();
  const fieldsOf = new Map();
  const visitObject = (type) => {
    const name = objectName(type);
    if (fieldsOf.get(name)?.types.has(type)) return;
    const known = fieldsOf.get(name) ?? { types: new Set(), parts: new Set(), fields: formerFields(name) };
    fieldsOf.set(name, known);
    known.types.add(type);
    if (name !== 'event') visitFields(type, '', known, [type]);
  };
  const visitFields = (type, prefix, { parts, fields }, above) => {
    for (const property of checker.getPropertiesOfType(type)) {
      const value = checker.getTypeOfSymbol(property);
      const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
      const field = `${prefix}${property.name}`;
      if (isOptional && isPart(value) && (prefix === '' || INCLUDED_WITHIN.includes(field))) parts.add(field);
      for (const object of objectsIn(value).filter((inner) => !inner.getCallSignatures().length)) {
        const name = objectName(object);
        if (name === undefined) {
          if (!above.includes(object))
            visitFields(object, `${field}.`, { parts, fields }, [...above, object]);
          continue;
        }
        const mark = isReference(value) || isOptional ? '' : '+';
        fields.set(field, (fields.get(field) ?? new Set()).add(`${mark}${name}`));
        visitObject(object);
      }
    }
  };
  /** Cards and bank accounts belong to accounts and to customers. `card@customers` is one of a customer. */
  const placed = (target, around, field) => {
    const places = new Set(resources.get(target)?.names);
    const known = [PLACES_BY_FIELD[`${around}.${field}`] ?? PLACES_BY_FIELD[field]].filter(Boolean);
    const place = [...known, ...(resources.get(around)?.names ?? [])].find((each) => places.has(each));
    return places.size > 1 && place ? `${target}@${place}` : target;
  };
  for (const { path, types } of found)
    if (path.startsWith('/v1/')) for (const type of types) if (objectName(type)) visitObject(type);
  return [...fieldsOf]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { parts, fields }]) => [
      name,
      fields,
      [...parts].filter((part) => !SENSITIVE.includes(`${name} ${part}`)),
    ])
    .flatMap(([name, fields, parts]) => [
      `${name} = ${words(resources.get(name)?.names ?? [])}`.trimEnd(),
      ...(parts.length > 0 ? [`  + ${words(parts)}`] : []),
      ...[...fields]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(
          ([field, targets]) =>
            `  ${field}: ${words([...targets].map((target) => placed(target, name, field)))}`,
        ),
    ]);
}

const { version } = JSON.parse(readFileSync(join(SDK, '../package.json'), 'utf8'));
const text = [
  `// Made by scripts/gateway-operations.mjs from stripe ${version}.`,
  '',
  '/** Resources, each with methods and paths of its operations, and the objects that they return. */',
  'export const OPERATIONS = `',
  ...operationLines(),
  '`;',
  '',
  '/**',
  ' * Objects, each with its resources, its own parts after `+`, and the fields with other objects. `+` marks an',
  ' * object that is present without an expansion, and `@` the one of its resources that it belongs to there.',
  ' */',
  'export const OBJECTS = `',
  ...objectLines(),
  '`;',
  '',
].join('\n');

if (!process.argv.includes('--check')) writeFileSync(TARGET, text);
else if (readFileSync(TARGET, 'utf8') !== text) {
  console.error(`${TARGET} is out of date: run node scripts/gateway-operations.mjs`);
  process.exitCode = 1;
}
