import type { ProjectId } from '../../common/ids.js';
import { sql } from '../../database/database.js';

/** Which projects somebody may read: those in which a subject has a role, the one of a service account, or all. */
export type Reach = 'subject' | 'project' | 'all';

/** Makes a statement for each reach. */
export function perReach<T>(make: (reach: Reach) => T): Readonly<Record<Reach, T>> {
  return { subject: make('subject'), project: make('project'), all: make('all') };
}

/**
 * SQL: the live projects of a reach, with a role that is NULL where it depends on the caller alone. An owner has no
 * row in `project_members`, so no project comes twice.
 * @param key the subject or the project; unused for all
 */
function readable(reach: Reach, key: string): string {
  const live = 'SELECT p.id, p.created_at, NULL AS role FROM projects p WHERE p.deleted_at IS NULL';
  if (reach === 'all') return live;
  if (reach === 'project') return `${live} AND p.id = ${key}`;
  return `
    SELECT p.id, p.created_at, 'owner' AS role FROM projects p WHERE p.owner_id = ${key} AND p.deleted_at IS NULL
    UNION ALL
    SELECT p.id, p.created_at, m.role FROM project_members m JOIN projects p ON p.id = m.project_id
    WHERE m.subject = ${key} AND p.deleted_at IS NULL`;
}

/** SQL: one page, the newest first. $1 limit, $2 offset, $3 subject or project. An index gives the order. */
export function readablePage(reach: Reach): string {
  return `(${readable(reach, '$3')} ORDER BY 2 DESC, 1 DESC LIMIT $1 OFFSET $2)`;
}

/** $1 subject or project. */
export const COUNT_READABLE = perReach((reach) =>
  sql<{ total: number }>(
    `SELECT COUNT(*) AS total FROM (${readable(reach, '$1')}) r`,
    `count_readable_${reach}`,
  ),
);

/** Bounds the time of a statement over a chunk, since SQLite blocks all other requests meanwhile. */
export const CHUNK = 500;

/** $1 time and $2 id of the last project of the chunk before, $3 owner. Newest first. */
export const OWNED = chunkOf('owner_id = $3 AND', 'chunk_of_owned_projects');

/** $1 time and $2 id of the last project of the chunk before. Newest first. */
export const ALL = chunkOf('', 'chunk_of_all_projects');

function chunkOf(condition: string, name: string) {
  return sql<{ id: ProjectId; createdAt: Date }>(
    `SELECT id, created_at AS "createdAt" FROM projects
     WHERE ${condition} (created_at, id) < ($1, $2) AND deleted_at IS NULL
     ORDER BY created_at DESC, id DESC LIMIT ${CHUNK}`,
    name,
  );
}

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
