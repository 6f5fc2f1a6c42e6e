import type { OwnerId } from '../../common/ids.js';
import { columns, inserted, type RowOf } from '../../database/columns.js';
import { sql } from '../../database/database.js';
import { ConnectLinkEntity } from './connect-link.entity.js';

export type ConnectLinkRow = RowOf<ConnectLinkEntity>;

/** Parameters: `columnValues(ConnectLinkEntity, …)`. */
export const ADD = sql<never>(`INSERT INTO connect_links ${inserted(ConnectLinkEntity)}`);

/** $1 link. Returns no row if its project was deleted. */
export const FIND = sql<ConnectLinkRow & { ownerId: OwnerId; projectName: string }>(
  `SELECT ${columns(ConnectLinkEntity, { of: 'l' })}, p.owner_id AS "ownerId", p.name AS "projectName"
   FROM connect_links l JOIN projects p ON p.id = l.project_id
   WHERE l.id = $1 AND p.deleted_at IS NULL`,
);

/** $1 project, $2 now. The oldest first. */
export const LIST_OPEN = sql<ConnectLinkRow>(
  `SELECT ${columns(ConnectLinkEntity)} FROM connect_links
   WHERE project_id = $1 AND expires_at > $2 AND ended IS NULL ORDER BY created_at, id`,
);

/** $1 link, $2 project, $3 end, $4 now, $5 when others may announce it. Returns no row unless the link is open. */
export const END = sql<{ id: string }>(
  `UPDATE connect_links SET ended = $3, announce_at = $5
   WHERE id = $1 AND project_id = $2 AND expires_at > $4 AND ended IS NULL RETURNING id`,
);

/** $1 link. Returns no row if it was announced. */
export const ANNOUNCE = sql<{ id: string }>(
  'UPDATE connect_links SET announce_at = NULL WHERE id = $1 AND announce_at IS NOT NULL RETURNING id',
);

/** $1 now, $2 limit. */
export const LIST_UNANNOUNCED = sql<ConnectLinkRow>(
  `SELECT ${columns(ConnectLinkEntity)} FROM connect_links WHERE announce_at <= $1 ORDER BY announce_at LIMIT $2`,
);

/** $1 project, $2 time. */
export const DELETE_EXPIRED = sql<{ id: string }>(
  'DELETE FROM connect_links WHERE project_id = $1 AND expires_at <= $2 RETURNING id',
);

/** $1 project. */
export const DELETE_OF_PROJECT = sql<{ id: string }>(
  'DELETE FROM connect_links WHERE project_id = $1 RETURNING id',
);
