import type { ProjectId } from '../common/ids.js';
import { sql } from '../database/database.js';

/**
 * SQL: `id` and `role` of one page of the live projects in which a subject has a role, the newest first. An owner
 * has no row in `project_members`, so no project comes twice. Both parts are read in the order of an index.
 */
export function readablePage(subject: string, { limit, offset }: Record<'limit' | 'offset', string>): string {
  return `(
    SELECT p.id, p.created_at, 'owner' AS role FROM projects p WHERE p.owner_id = ${subject} AND p.deleted_at IS NULL
    UNION ALL
    SELECT p.id, p.created_at, m.role FROM project_members m JOIN projects p ON p.id = m.project_id
    WHERE m.subject = ${subject} AND p.deleted_at IS NULL
    ORDER BY 2 DESC, 1 DESC LIMIT ${limit} OFFSET ${offset})`;
}

/** $1 subject. */
export const COUNT_READABLE = sql<{ total: number }>(
  `SELECT (SELECT COUNT(*) FROM projects p WHERE p.owner_id = $1 AND p.deleted_at IS NULL)
     + (SELECT COUNT(*) FROM project_members m JOIN projects p ON p.id = m.project_id
        WHERE m.subject = $1 AND p.deleted_at IS NULL) AS total`,
  'count_readable_projects',
);

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
  `SELECT p.id FROM projects p WHERE p.id = $2 AND p.deleted_at IS NULL AND (p.owner_id = $1
     OR EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = p.id AND m.subject = $1))`,
  'is_readable_project',
);
