import type { OwnerId, ProjectId } from '../../common/ids.js';
import { columns, type RowOf } from '../../database/columns.js';
import { type SqlValue, sql, type Statement } from '../../database/database.js';
import { type ProjectHealth, ProjectEntity } from '../project.entity.js';

export interface ProjectFilter {
  readonly ownerId?: OwnerId | undefined;
  readonly health?: ProjectHealth | undefined;
  readonly id?: ProjectId | undefined;
  /** The start of a name, in the form of `searchNameOf`. */
  readonly namePrefix?: string | undefined;
}

/** The last row of a page, by the columns that order the list. */
export interface ListPosition {
  readonly key: Date | string;
  readonly id: string;
}

/** Above every character of a name. */
const LAST_CHARACTER = '\u{10ffff}';

/**
 * Lists live projects: newest first, or by name where a prefix of the name is searched. An index gives each order,
 * so that a page costs the same among a million projects.
 */
export function listProjects(
  { ownerId, health, id, namePrefix }: ProjectFilter,
  after: ListPosition | undefined,
  limit: number,
): { statement: Statement<RowOf<ProjectEntity>>; values: SqlValue[] } {
  const values: SqlValue[] = [];
  const bind = (value: SqlValue) => `$${values.push(value)}`;
  const textFor = (bytewise: string): string => {
    values.length = 0;
    const name = `search_name${bytewise}`;
    const [key, order, beyond] = namePrefix === undefined ? ['created_at', 'DESC', '<'] : [name, 'ASC', '>'];
    const conditions = [
      'deleted_at IS NULL',
      ...(ownerId === undefined ? [] : [`owner_id = ${bind(ownerId)}`]),
      ...(health === undefined ? [] : [`health = ${bind(health)}`]),
      ...(id === undefined ? [] : [`id = ${bind(id)}`]),
      ...(namePrefix === undefined
        ? []
        : [`${name} >= ${bind(namePrefix)}`, `${name} < ${bind(namePrefix + LAST_CHARACTER)}`]),
      ...(after ? [`(${key}, id) ${beyond} (${bind(after.key)}, ${bind(after.id)})`] : []),
    ];
    return `SELECT ${columns(ProjectEntity)} FROM projects WHERE ${conditions.join(' AND ')}
      ORDER BY ${key} ${order}, id ${order} LIMIT ${bind(limit)}`;
  };
  return { statement: sql({ sqlite: textFor(''), postgres: textFor(' COLLATE "C"') }), values };
}
