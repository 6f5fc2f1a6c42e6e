import { excludedColumns, inserted } from '../../database/columns.js';
import { sql } from '../../database/database.js';
import { IdempotencyKeyEntity } from './idempotency-key.entity.js';

const CLAIMED = ['projectId', 'scope', 'request', 'holder', 'leaseUntil', 'createdAt'] as const;

/**
 * $1 project, $2 scope, $3 request, $4 holder, $5 end of the lease, $6 now, $7 time before which keys are
 * expired. Returns a row if the key is free or expired, or if an equal request crashed.
 */
export const CLAIM = sql<{ holder: string }>(
  `INSERT INTO idempotency_keys AS k ${inserted(IdempotencyKeyEntity, CLAIMED)}
   ON CONFLICT (project_id, scope) DO UPDATE SET answer = NULL, key_id = NULL,
     ${excludedColumns(IdempotencyKeyEntity, ['request', 'holder', 'leaseUntil', 'createdAt'])}
   WHERE k.created_at <= $7 OR (k.answer IS NULL AND k.lease_until <= excluded.created_at AND k.request = excluded.request)
   RETURNING holder`,
  'claim_idempotency_key',
  { destroys: 'soon' },
);

/** $1 time. Deletes older keys with their sealed answers. */
export const DELETE_EXPIRED = sql<never>('DELETE FROM idempotency_keys WHERE created_at <= $1', undefined, {
  destroys: true,
});
