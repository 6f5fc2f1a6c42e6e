import { Injectable } from '@nestjs/common';
import { ValidationFailed } from '../../common/errors.js';
import { parseProjectId } from '../../common/ids.js';
import { readTime } from '../../common/typed-text.js';
import type { RowOf } from '../../database/columns.js';
import { Database } from '../../database/database.js';
import { PROJECT_HEALTHS, PROJECT_PROBLEMS, type ProjectEntity, searchNameOf } from '../project.entity.js';
import type { OperatorProjectsQuery } from './operator-project.dto.js';
import { type ListPosition, listProjects, type ProjectFilter } from './operator-projects.statements.js';

interface ProjectsPage {
  readonly projects: readonly RowOf<ProjectEntity>[];
  readonly nextCursor: string | null;
}

/** Lists the projects of all tenants, for operators. */
@Injectable()
export class OperatorProjectsRepository {
  constructor(private readonly database: Database) {}

  /** @throws ValidationFailed for a cursor of another list */
  async list({ owner_id: ownerId, health, q, limit, cursor }: OperatorProjectsQuery): Promise<ProjectsPage> {
    const filter: ProjectFilter = { ownerId, ...filterFor(health), ...searchFor(q) };
    const isByName = filter.namePrefix !== undefined;
    const after = cursor === undefined ? undefined : readCursor(cursor, isByName);
    const { statement, values } = listProjects(filter, after, limit + 1);
    const rows = await this.database.query(statement, values);
    const projects = rows.slice(0, limit);
    const last = rows.length > limit ? projects.at(-1) : undefined;
    return { projects, nextCursor: last ? cursorAfter(last, isByName) : null };
  }
}

function filterFor(health: OperatorProjectsQuery['health']): Pick<ProjectFilter, 'health' | 'problem'> {
  const problem = PROJECT_PROBLEMS.find((each) => each === health);
  return problem ? { problem } : { health: PROJECT_HEALTHS.find((each) => each === health) };
}

/** A text that is an id searches the project with this id, any other the names that begin with it. */
function searchFor(q: string | undefined): Pick<ProjectFilter, 'id' | 'namePrefix'> {
  if (q === undefined || q === '') return {};
  const id = parseProjectId(q);
  return id ? { id } : { namePrefix: searchNameOf(q) };
}

function cursorAfter({ id, createdAt, searchName }: RowOf<ProjectEntity>, isByName: boolean): string {
  const position = isByName ? ['name', searchName, id] : ['time', createdAt.toISOString(), id];
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @throws ValidationFailed */
function readCursor(cursor: string, isByName: boolean): ListPosition {
  const [order, key, id] = partsOf(cursor);
  const time = isByName ? undefined : readTime(key);
  const isPosition =
    order === (isByName ? 'name' : 'time') &&
    typeof key === 'string' &&
    (isByName ? !key.includes('\0') && key.isWellFormed() : time !== undefined) &&
    typeof id === 'string' &&
    parseProjectId(id) === id;
  if (!isPosition)
    throw new ValidationFailed([
      {
        loc: ['query', 'cursor'],
        msg: 'is no cursor of this list; take next_cursor of the page before, or leave it out to start again',
        type: 'value_error',
      },
    ]);
  return { key: time ?? key, id };
}

function partsOf(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}
