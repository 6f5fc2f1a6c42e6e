import type { ProjectId } from '../common/ids.js';
import { sql } from '../database/database.js';

/**
 * SQL: the live projects in which a subject has a role, each with its columns and `role`:
 * `FROM ${readableProjects('$1')} p`. An owner has no row in `project_members`, so no project comes twice.
 */
export function readableProjects(subject: string): string {
  return `(
    SELECT p.*, 'owner' AS role FROM projects p WHERE p.owner_id = ${subject} AND p.deleted_at IS NULL
    UNION ALL
    SELECT p.*, m.role FROM project_members m JOIN projects p ON p.id = m.project_id
    WHERE m.subject = ${subject} AND p.deleted_at IS NULL)`;
}

/** Bounds the time of a statement over a chunk, since SQLite blocks all other requests meanwhile. */
export const CHUNK = 500;

/** $1 owner, $2 time and $3 id of the last project of the chunk before. Newest first. */
export const OWNED = sql<{ id: ProjectId; createdAt: Date }>(
  `SELECT id, created_at AS "createdAt" FROM projects
   WHERE owner_id = $1 AND (created_at, id) < ($2, $3) AND deleted_at IS NULL
   ORDER BY created_at DESC, id DESC LIMIT ${CHUNK}`,
  'chunk_of_owned_projects',
);

/** $1 subject, $2 the last project of the chunk before. */
export const JOINED = sql<{ id: ProjectId }>(
  `SELECT m.project_id AS id FROM project_members m JOIN projects p ON p.id = m.project_id
   WHERE m.subject = $1 AND m.project_id > $2 AND p.deleted_at IS NULL ORDER BY m.project_id LIMIT ${CHUNK}`,
  'chunk_of_joined_projects',
);

/** $1 subject, $2 project. */
export const IS_READABLE = sql<{ id: ProjectId }>(
  `SELECT id FROM ${readableProjects('$1')} p WHERE id = $2`,
  'is_readable_project',
);
