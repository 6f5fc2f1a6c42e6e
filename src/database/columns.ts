import { getMetadataArgsStorage } from 'typeorm';
import { type SqlValue, toTimestamp } from './database.js';
import type { Dialect } from './dialect.js';

type EntityClass<Entity> = new () => Entity;

/**
 * The columns of an entity without its relations: the row that `columns(Entity)` selects, with the same types
 * on both engines.
 */
export type RowOf<Entity> = {
  readonly [Key in keyof Entity as Entity[Key] extends SqlValue ? Key : never]: Entity[Key];
};

/**
 * The select list of an entity, or of some of its properties, for hand-written SQL: `p.owner_id AS "ownerId",
 * …`. It fits `RETURNING` too:
 *
 *     const FIND = sql<RowOf<ProjectEntity>>(`SELECT ${columns(ProjectEntity, { of: 'p' })} FROM projects p WHERE p.id = $1`, 'find_project');
 *     const ENDS = sql<Pick<HistoryHeadEntity, 'seq' | 'mac'>>(`SELECT ${columns(HistoryHeadEntity, { only: ['seq', 'mac'] })} FROM audit_heads`);
 *
 * Rows need no mapping: `bigint` and sums arrive as numbers, times as `Date`, flags as booleans. Declare the
 * type of an expression that is a flag or a time: `sql(…, { computed: { isLate: Boolean } })`.
 * @param options.of the table's alias.
 * @param options.only these properties alone
 */
export function columns<Entity>(
  entity: EntityClass<Entity>,
  { of, only }: { of?: string; only?: readonly (keyof RowOf<Entity> & string)[] } = {},
): string {
  const prefix = of === undefined ? '' : `${of}.`;
  return namesOf(entity, only)
    .map(([property, name]) => `${prefix}${name} AS "${property}"`)
    .join(', ');
}

/** The column names of an entity, or of some of its properties, for `INSERT INTO t (…)`. */
export function columnNames<Entity>(
  entity: EntityClass<Entity>,
  only?: readonly (keyof RowOf<Entity> & string)[],
): string {
  return namesOf(entity, only)
    .map(([, name]) => name)
    .join(', ');
}

/** `(id, owner_id) VALUES ($1, $2)` for `INSERT INTO`. Parameters: `columnValues` of the same columns. */
export function inserted<Entity>(
  entity: EntityClass<Entity>,
  only?: readonly (keyof RowOf<Entity> & string)[],
): string {
  const names = namesOf(entity, only).map(([, name]) => name);
  return `(${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`;
}

/** The properties of an entity that are columns. */
export function columnProperties<Entity>(entity: EntityClass<Entity>): (keyof RowOf<Entity> & string)[] {
  return namesOf(entity).map(([property]) => property as keyof RowOf<Entity> & string);
}

/** The values of `row` in the order of `columnNames`. */
export function columnValues<Entity, Key extends keyof RowOf<Entity> & string>(
  entity: EntityClass<Entity>,
  row: Pick<RowOf<Entity>, Key>,
): SqlValue[] {
  return columnReader<Entity, Key>(entity)(row);
}

/** `columnValues` for hot paths: reads the entity's metadata once. */
export function columnReader<Entity, Key extends keyof RowOf<Entity> & string>(
  entity: EntityClass<Entity>,
  only?: readonly Key[],
): (row: Pick<RowOf<Entity>, Key>) => SqlValue[] {
  const names = namesOf(entity, only);
  return (row) => names.map(([property]) => (row as Readonly<Record<string, SqlValue>>)[property] ?? null);
}

/** `sealed = excluded.sealed, …` for `ON CONFLICT … DO UPDATE SET`. */
export function excludedColumns<Entity>(
  entity: EntityClass<Entity>,
  only: readonly (keyof RowOf<Entity> & string)[],
): string {
  return namesOf(entity, only)
    .map(([, name]) => `${name} = excluded.${name}`)
    .join(', ');
}

/** A column of `jsonRows` as the drivers return it: text on SQLite, parsed on PostgreSQL. */
export type JsonColumn = string | readonly (readonly unknown[])[] | null;

/**
 * Rows of a subquery as one JSON column: drivers read one column several times as fast as the same values in
 * rows.
 * @param options.flags boolean expressions by name, added to the columns of `only`
 */
export function jsonRows<Entity, Key extends keyof RowOf<Entity> & string, Flag extends string>(
  entity: EntityClass<Entity>,
  { of, only, flags }: { of: string; only: readonly Key[]; flags: Readonly<Record<Flag, string>> },
) {
  type Row = Pick<RowOf<Entity>, Key> & Readonly<Record<Flag, boolean>>;
  const names = namesOf(entity, only);
  const expressions = [...names.map(([, name]) => `${of}.${name}`), ...Object.values<string>(flags)].join(
    ', ',
  );
  const fields = [
    ...names.map(([property]) => [property, fromJson(typeOf(entity, property))] as const),
    ...Object.keys(flags).map((name) => [name, fromJson(Boolean)] as const),
  ];
  return {
    select: ({ jsonArray, jsonArrayAgg }: Dialect) => jsonArrayAgg(jsonArray(expressions)),
    parse(column: JsonColumn): Row[] {
      const rows = (typeof column === 'string' ? JSON.parse(column) : (column ?? [])) as unknown[][];
      return rows.map((values) => {
        const row: Record<string, unknown> = {};
        for (const [index, [name, convert]] of fields.entries()) {
          const value = values[index] ?? null;
          row[name] = value === null ? null : convert(value);
        }
        return row as Row;
      });
    },
  };
}

/**
 * Converts a value of a column type. SQLite has 0, 1 and its own text of times, PostgreSQL has `true`,
 * `false` and RFC 3339.
 */
function fromJson(type: unknown): (value: unknown) => unknown {
  if (type === Boolean) return Boolean;
  if (type !== Date) return (value) => value;
  return (value) => {
    const text = String(value);
    return new Date(text.includes('T') ? text : toTimestamp(text));
  };
}

function typeOf(entity: EntityClass<unknown>, property: string): unknown {
  return getMetadataArgsStorage()
    .filterColumns(entity)
    .find(({ propertyName }) => propertyName === property)?.options.type;
}

function namesOf<Entity>(
  entity: EntityClass<Entity>,
  only?: readonly string[],
): [property: string, column: string][] {
  const all = getMetadataArgsStorage()
    .filterColumns(entity)
    .map(({ propertyName, options }): [string, string] => [propertyName, options.name ?? propertyName]);
  return only ? all.filter(([property]) => only.includes(property)) : all;
}
