/** The compared parts of a JSON Schema. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  example?: unknown;
  examples?: unknown[];
  additionalProperties?: unknown;
  [keyword: string]: unknown;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: Schema;
}

export type Content = Record<string, { schema: Schema; example?: unknown }>;

export interface Operation {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: object[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, { description: string; content?: Content }>;
}

export interface Document {
  info?: { description?: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes?: Record<string, object> };
  tags?: { name: string; description?: string }[];
}

export function resolve({ components }: Document, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const found = components.schemas[schema.$ref.replace('#/components/schemas/', '')];
  if (!found) throw new Error(`There is no ${schema.$ref}.`);
  return found;
}

/**
 * Splits a schema by the types of its values: `anyOf [T, null]` and `type: [T, "null"]` give the same
 * schemas.
 */
export function alternatives(document: Document, schema: Schema): Schema[] {
  const { anyOf, type, ...rest } = resolve(document, schema);
  const isAllowed = (each: Schema) => type === undefined || [type].flat().includes(String(each.type));
  if (anyOf) return anyOf.flatMap((each) => alternatives(document, each)).filter(isAllowed);
  return [type ?? 'object'].flat().map((each) => ({ ...rest, type: each }));
}

/**
 * Direction of the comparison: our answers must fit the contract, and requests by the contract must fit our
 * document.
 */
type Direction = 'request' | 'response';

interface Sides {
  ours: Document;
  contract: Document;
  direction: Direction;
}

/**
 * Describes changes that break a client of the contract. A request may accept more than the contract, and a
 * response may have more fields.
 */
export function incompatibilities(sides: Sides, ours: Schema, theirs: Schema, at: string): string[] {
  const known = alternatives(sides.ours, ours);
  const wanted = alternatives(sides.contract, theirs);
  const problems = wanted.flatMap((want) => {
    const match = known.find(({ type }) => type === want.type);
    return match ? compareOfOneType(sides, match, want, at) : [`${at} is no ${String(want.type)}`];
  });
  if (sides.direction === 'request') return problems;
  const added = known.filter(({ type }) => !wanted.some((want) => want.type === type));
  return [...problems, ...added.map(({ type }) => `${at} may be ${String(type)}`)];
}

function compareOfOneType(sides: Sides, ours: Schema, theirs: Schema, at: string): string[] {
  const problems: string[] = [];
  if (theirs['format'] !== undefined && ours['format'] !== theirs['format'])
    problems.push(`${at} has another format`);
  if (theirs['default'] !== undefined && ours['default'] !== theirs['default'])
    problems.push(`${at} has another default`);
  if (sides.direction === 'request')
    problems.push(...narrowings(ours, theirs).map((keyword) => `${at} is narrower: ${keyword}`));
  if (theirs.items)
    problems.push(
      ...(ours.items
        ? incompatibilities(sides, ours.items, theirs.items, `${at}[]`)
        : [`${at} has no items`]),
    );
  for (const [name, property] of Object.entries(theirs.properties ?? {})) {
    const match = ours.properties?.[name];
    problems.push(
      ...(match ? incompatibilities(sides, match, property, `${at}.${name}`) : [`${at}.${name} is missing`]),
    );
  }
  const [must, may] = sides.direction === 'request' ? [theirs, ours] : [ours, theirs];
  for (const name of may.required ?? []) {
    if (!must.required?.includes(name)) {
      problems.push(`${at}.${name} is ${sides.direction === 'request' ? 'required' : 'optional'}`);
    }
  }
  return problems;
}

const UPPER = ['maximum', 'maxLength', 'maxItems'];
const LOWER = ['minimum', 'minLength', 'minItems'];

function narrowings(ours: Schema, theirs: Schema): string[] {
  const above = (keyword: string) => Number(ours[keyword] ?? Infinity) < Number(theirs[keyword] ?? Infinity);
  const below = (keyword: string) =>
    Number(ours[keyword] ?? -Infinity) > Number(theirs[keyword] ?? -Infinity);
  const other = ['pattern', 'format', 'enum', 'const'].filter(
    (keyword) =>
      ours[keyword] !== undefined && JSON.stringify(ours[keyword]) !== JSON.stringify(theirs[keyword]),
  );
  return [...UPPER.filter(above), ...LOWER.filter(below), ...other];
}
