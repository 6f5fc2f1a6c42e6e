import type { ProjectId } from '../common/ids.js';
import { columns, inserted, type RowOf } from '../database/columns.js';
import { sql } from '../database/database.js';
import type { Role } from './permissions/permissions.js';
import { ProjectEntity } from './project.entity.js';
import { perReach, readablePage } from './members/readable-projects.statements.js';

/** $1 project. */
export const FIND_LIVE = sql<RowOf<ProjectEntity>>(
  `SELECT ${columns(ProjectEntity)} FROM projects WHERE id = $1 AND deleted_at IS NULL`,
  'find_live_project',
);

/** $1 limit, $2 offset, $3 subject or project. Newest first. The role is NULL where only the caller decides it. */
export const LIST_READABLE = perReach((reach) =>
  sql<RowOf<ProjectEntity> & { readonly role: Role | null }>(
    `SELECT ${columns(ProjectEntity, { of: 'p' })}, r.role AS "role"
     FROM ${readablePage(reach)} r JOIN projects p ON p.id = r.id ORDER BY p.created_at DESC, p.id DESC`,
    `list_readable_${reach}`,
  ),
);

/** Parameters: `columnValues(ProjectEntity, …)`. */
export const ADD = sql<never>(`INSERT INTO projects ${inserted(ProjectEntity)}`, 'add_project');

/** $1 project. Deleted ones too. */
export const FIND_ANY = sql<RowOf<ProjectEntity>>(
  `SELECT ${columns(ProjectEntity)} FROM projects WHERE id = $1`,
  'find_any_project',
);

/** $1 project, $2 name, $3 name for the search, $4 description, $5 now. NULL leaves a column unchanged. */
export const UPDATE = sql<RowOf<ProjectEntity>>(
  `UPDATE projects SET name = COALESCE($2, name), search_name = COALESCE($3, search_name),
     description = COALESCE($4, description), updated_at = CASE WHEN updated_at > $5 THEN updated_at ELSE $5 END
   WHERE id = $1 AND deleted_at IS NULL RETURNING ${columns(ProjectEntity)}`,
);

/** $1 project, $2 now. */
export const HIDE = sql<{ id: ProjectId }>(
  'UPDATE projects SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL RETURNING id',
);

/** $1 subject. Returns a row if the subject owns a project. */
export const OWNS_PROJECT = sql<{ id: ProjectId }>(
  'SELECT id FROM projects WHERE owner_id = $1 AND deleted_at IS NULL LIMIT 1',
);
