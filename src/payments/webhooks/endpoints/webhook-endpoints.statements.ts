import { excludedColumns, inserted } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import {
  StripeWebhookEndpointEntity,
  StripeWebhookEndpointLeaseEntity,
} from './webhook-endpoint.entities.js';

/** $1 project, $2 mode, $3 endpoint, $4 fingerprint of its secret, $5 now. */
export const RECORD = sql<never>(
  `INSERT INTO stripe_webhook_endpoints ${inserted(StripeWebhookEndpointEntity)}
   ON CONFLICT (project_id, mode) DO UPDATE SET
     ${excludedColumns(StripeWebhookEndpointEntity, ['endpointId', 'secretFingerprint', 'createdAt'])}`,
);

/** $1 project, $2 mode, $3 endpoint. */
export const FORGET = sql<{ mode: StripeMode }>(
  'DELETE FROM stripe_webhook_endpoints WHERE project_id = $1 AND mode = $2 AND endpoint_id = $3 RETURNING mode',
);

/**
 * $1 project, $2 mode, $3 holder, $4 until when, $5 now. Returns a row unless somebody else holds the lease.
 */
export const TAKE_LEASE = sql<{ mode: StripeMode }>(
  `INSERT INTO stripe_webhook_endpoint_leases AS l ${inserted(StripeWebhookEndpointLeaseEntity)}
   ON CONFLICT (project_id, mode) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
   WHERE l.expires_at <= $5
   RETURNING mode`,
);

/**
 * $1 project, $2 mode, $3 holder. Locks the row, so that the lease can't expire before the transaction ends.
 */
export const CONFIRM_LEASE = sql<{ mode: StripeMode }>(
  `UPDATE stripe_webhook_endpoint_leases SET holder = holder WHERE project_id = $1 AND mode = $2 AND holder = $3 RETURNING mode`,
);
