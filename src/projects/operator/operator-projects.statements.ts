import type { OwnerId, ProjectId } from '../../common/ids.js';
import { columns, type RowOf } from '../../database/columns.js';
import { type SqlValue, sql, type Statement } from '../../database/database.js';
import {
  bitOf,
  PROJECT_HEALTHS,
  PROJECT_PROBLEMS,
  ProjectEntity,
  type ProjectHealth,
  type ProjectProblem,
} from '../project.entity.js';

export interface ProjectFilter {
  readonly ownerId?: OwnerId | undefined;
  readonly health?: ProjectHealth | undefined;
  readonly problem?: ProjectProblem | undefined;
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
 * Lists live projects: newest first, or by name where a prefix of the name is searched. Each combination of filters
 * is the start of an index that has the order, so that a page costs the same among a million projects. The indexes
 * of names begin with the health: a search without this filter reads one range for each. A project can have several
 * problems: a search for one reads a range for each combination with it.
 */
export function listProjects(
  { ownerId, health, problem, id, namePrefix }: ProjectFilter,
  after: ListPosition | undefined,
  limit: number,
): { statement: Statement<RowOf<ProjectEntity>>; values: SqlValue[] } {
  const values: SqlValue[] = [];
  const bind = (value: SqlValue) => `$${values.push(value)}`;
  const isByName = namePrefix !== undefined;
  const textFor = (bytewise: string, hint = ''): string => {
    values.length = 0;
    const name = `search_name${bytewise}`;
    const [key, order, beyond] = isByName ? [name, 'ASC', '>'] : ['created_at', 'DESC', '<'];
    const conditions = [
      'deleted_at IS NULL',
      ...(ownerId === undefined ? [] : [`owner_id = ${bind(ownerId)}`]),
      ...(id === undefined ? [] : [`id = ${bind(id)}`]),
      ...(isByName
        ? [`${name} >= ${bind(namePrefix)}`, `${name} < ${bind(namePrefix + LAST_CHARACTER)}`]
        : []),
      ...(after ? [`(${key}, id) ${beyond} (${bind(after.key)}, ${bind(after.id)})`] : []),
    ];
    const ordered = `ORDER BY ${key} ${order}, id ${order} LIMIT ${bind(limit)}`;
    const healths = health === undefined ? (isByName ? PROJECT_HEALTHS : []) : [health];
    const projects = `projects${hint} WHERE ${conditions.join(' AND ')}`;
    const ranges = problem
      ? combinationsWith(problem).map((each) => `problems = ${bind(each)}`)
      : healths.map((each) => `health = ${bind(each)}`);
    const [range = projects, ...more] = ranges.map((each) => `${projects} AND ${each}`);
    const from = more.length === 0 ? range : unionOf([range, ...more], ordered);
    return `SELECT ${columns(ProjectEntity)} FROM ${from} ${ordered}`;
  };
  // SQLite keeps no statistics, and would take the index without the owner.
  const ofOwner = problem ? 'projects_by_owner_problems_and_name' : 'projects_by_owner_health_and_name';
  const hint = isByName && ownerId !== undefined ? ` INDEXED BY ${ofOwner}` : '';
  return { statement: sql({ sqlite: textFor('', hint), postgres: textFor(' COLLATE "C"') }), values };
}

/** Values of `problems` that have the bit of this one. */
function combinationsWith(problem: ProjectProblem): number[] {
  const all = Array.from({ length: 2 ** PROJECT_PROBLEMS.length }, (_, value) => value);
  return all.filter((value) => Math.floor(value / bitOf(problem)) % 2 === 1);
}

/** The first rows of each range. */
function unionOf(ranges: readonly string[], ordered: string): string {
  const firsts = ranges.map((range) => `SELECT * FROM (SELECT * FROM ${range} ${ordered}) AS ranged`);
  return `(${firsts.join(' UNION ALL ')}) AS listed`;
}
