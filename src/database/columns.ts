import { getMetadataArgsStorage } from 'typeorm';
import type { SqlValue } from './database.js';

type EntityClass<Entity> = new () => Entity;

/** The columns of an entity without its relations: the row that `columns(Entity)` selects, with the same types on both engines. */
export type RowOf<Entity> = {
  readonly [Key in keyof Entity as Entity[Key] extends SqlValue ? Key : never]: Entity[Key];
};

/**
 * The select list of an entity, or of some of its properties, for hand-written SQL: `p.owner_id AS "ownerId", …`. It fits `RETURNING` too:
 *
 *     const FIND = sql<RowOf<ProjectEntity>>(`SELECT ${columns(ProjectEntity, { of: 'p' })} FROM projects p WHERE p.id = $1`, 'find_project');
 *     const ENDS = sql<Pick<HistoryHeadEntity, 'seq' | 'mac'>>(`SELECT ${columns(HistoryHeadEntity, { only: ['seq', 'mac'] })} FROM audit_heads`);
 *
 * Rows need no mapping: `bigint` and sums arrive as numbers, times as `Date`, flags as booleans. Exception: on SQLite an expression, such as
 * `max(created_at)` or `a < b`, has no type, so it arrives as stored (text or 0/1): prefer a column of a subquery with ORDER BY and LIMIT 1.
 * @param options.of the table's alias. @param options.only these properties alone
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

/** The properties of an entity that are columns. */
export function columnProperties<Entity>(entity: EntityClass<Entity>): (keyof RowOf<Entity> & string)[] {
  return namesOf(entity).map(([property]) => property as keyof RowOf<Entity> & string);
}

/** The values of `row` in the order of `columnNames`. */
export function columnValues<Entity>(entity: EntityClass<Entity>, row: RowOf<Entity>): SqlValue[] {
  return namesOf(entity).map(([property]) => (row as Readonly<Record<string, SqlValue>>)[property] ?? null);
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
