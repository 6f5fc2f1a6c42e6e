import { columns, inserted, type RowOf } from '../../database/columns.js';
import { sql } from '../../database/database.js';
import { OpaqueKeyEntity } from './opaque-key.entity.js';

/** Parameters: `columnValues(OpaqueKeyEntity, …)`. */
export const ADD_KEY = sql<never>(`INSERT INTO opaque_keys ${inserted(OpaqueKeyEntity)}`);

/** $1 hash, $2 kind. */
export const FIND_KEY = sql<RowOf<OpaqueKeyEntity>>(
  `SELECT ${columns(OpaqueKeyEntity)} FROM opaque_keys WHERE hash = $1 AND kind = $2`,
  'find_opaque_key',
);

/** $1 holder, $2 kind. The newest first. */
export const KEYS_OF_HOLDER = sql<RowOf<OpaqueKeyEntity>>(
  `SELECT ${columns(OpaqueKeyEntity)} FROM opaque_keys WHERE holder_id = $1 AND kind = $2 ORDER BY created_at DESC`,
);

/** $1 holder, $2 kind, $3 time. Never prolongs a key. */
export const END_KEYS_BY = sql<never>(
  `UPDATE opaque_keys SET expires_at = $3
   WHERE holder_id = $1 AND kind = $2 AND (expires_at IS NULL OR expires_at > $3)`,
);

/** $1 holder, $2 kind, $3 now. */
export const DELETE_EXPIRED = sql<never>(
  'DELETE FROM opaque_keys WHERE holder_id = $1 AND kind = $2 AND expires_at <= $3',
);

/** $1 holder, $2 kind, $3 networks. */
export const SET_NETWORKS = sql<never>(
  'UPDATE opaque_keys SET networks = $3 WHERE holder_id = $1 AND kind = $2',
);

/** $1 holder, $2 kind. */
export const DELETE_KEYS = sql<never>('DELETE FROM opaque_keys WHERE holder_id = $1 AND kind = $2');

/** $1 hash, $2 kind. Of two requests with one key, one gets the row. */
export const TAKE_KEY = sql<Pick<RowOf<OpaqueKeyEntity>, 'holderId' | 'expiresAt'>>(
  `DELETE FROM opaque_keys WHERE hash = $1 AND kind = $2
   RETURNING ${columns(OpaqueKeyEntity, { only: ['holderId', 'expiresAt'] })}`,
);

/** $1 hash, $2 now, $3 a minute ago. */
export const MARK_USED = sql<never>(
  'UPDATE opaque_keys SET last_used_at = $2 WHERE hash = $1 AND (last_used_at IS NULL OR last_used_at <= $3)',
  'mark_opaque_key_used',
);
