import { sql } from '../database/database.js';

/**
 * $1 project, $2 scope, $3 request, $4 holder, $5 end of the lease, $6 now, $7 time before which keys are
 * expired. Returns a row if the key is free or expired, or if an equal request crashed.
 */
export const CLAIM = sql<{ holder: string }>(
  `INSERT INTO idempotency_keys AS k (project_id, scope, request, holder, lease_until, created_at) VALUES ($1, $2, $3, $4, $5, $6)
   ON CONFLICT (project_id, scope) DO UPDATE SET request = excluded.request, holder = excluded.holder,
     lease_until = excluded.lease_until, created_at = excluded.created_at, answer = NULL, key_id = NULL
   WHERE k.created_at <= $7 OR (k.answer IS NULL AND k.lease_until <= excluded.created_at AND k.request = excluded.request)
   RETURNING holder`,
  'claim_idempotency_key',
);
