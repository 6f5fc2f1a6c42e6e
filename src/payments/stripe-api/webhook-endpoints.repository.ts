import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { Database, run, sql, type Transaction } from '../../database/database.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

export interface KnownEndpoint {
  readonly endpointId: string;
  /** Of the signing secret that Stripe gave for it. */
  readonly secretFingerprint: string;
}

const FIND = sql<{ endpoint_id: string; secret_fingerprint: string }>(
  'find_stripe_webhook_endpoint',
  'SELECT endpoint_id, secret_fingerprint FROM stripe_webhook_endpoints WHERE project_id = $1 AND mode = $2',
);

/** $1 project, $2 mode, $3 endpoint, $4 fingerprint of its secret, $5 now, $6 the endpoint that it takes the place of. */
const REPLACE = sql<{ mode: StripeMode }>(
  'replace_stripe_webhook_endpoint',
  `INSERT INTO stripe_webhook_endpoints (project_id, mode, endpoint_id, secret_fingerprint, created_at) VALUES ($1, $2, $3, $4, $5)
   ON CONFLICT (project_id, mode) DO UPDATE SET endpoint_id = excluded.endpoint_id,
     secret_fingerprint = excluded.secret_fingerprint, created_at = excluded.created_at
   WHERE stripe_webhook_endpoints.endpoint_id = $6
   RETURNING mode`,
);

const FORGET = sql<never>(
  'forget_stripe_webhook_endpoint',
  'DELETE FROM stripe_webhook_endpoints WHERE project_id = $1 AND mode = $2 AND endpoint_id = $3',
);

/** The webhook endpoints that we made at Stripe. What writes takes part in the transaction that writes the signing secret. */
@Injectable()
export class WebhookEndpointsRepository {
  constructor(private readonly database: Database) {}

  async find(projectId: ProjectId, mode: StripeMode): Promise<KnownEndpoint | undefined> {
    const [row] = await this.database.query(FIND, [projectId, mode]);
    return row && { endpointId: row.endpoint_id, secretFingerprint: row.secret_fingerprint };
  }

  /** @returns whether it did: not when somebody else made one since `known` was read */
  *replace(
    projectId: ProjectId,
    mode: StripeMode,
    { endpointId, secretFingerprint }: KnownEndpoint,
    known: KnownEndpoint | undefined,
  ): Transaction<boolean> {
    const values = [projectId, mode, endpointId, secretFingerprint, new Date(), known?.endpointId ?? null];
    return (yield* run(REPLACE, values)).length > 0;
  }

  *forget(projectId: ProjectId, mode: StripeMode, endpointId: string): Transaction<void> {
    yield* run(FORGET, [projectId, mode, endpointId]);
  }
}
