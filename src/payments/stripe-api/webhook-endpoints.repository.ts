import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { Database, sql } from '../../database/database.js';
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

const REPLACE = sql<never>(
  'replace_stripe_webhook_endpoint',
  `INSERT INTO stripe_webhook_endpoints (project_id, mode, endpoint_id, secret_fingerprint, created_at) VALUES ($1, $2, $3, $4, $5)
   ON CONFLICT (project_id, mode) DO UPDATE SET endpoint_id = excluded.endpoint_id,
     secret_fingerprint = excluded.secret_fingerprint, created_at = excluded.created_at`,
);

const FORGET = sql<never>(
  'forget_stripe_webhook_endpoint',
  'DELETE FROM stripe_webhook_endpoints WHERE project_id = $1 AND mode = $2 AND endpoint_id = $3',
);

/** The webhook endpoints that we made at Stripe. */
@Injectable()
export class WebhookEndpointsRepository {
  constructor(private readonly database: Database) {}

  async find(projectId: ProjectId, mode: StripeMode): Promise<KnownEndpoint | undefined> {
    const [row] = await this.database.query(FIND, [projectId, mode]);
    return row && { endpointId: row.endpoint_id, secretFingerprint: row.secret_fingerprint };
  }

  async replace(projectId: ProjectId, mode: StripeMode, { endpointId, secretFingerprint }: KnownEndpoint): Promise<void> {
    await this.database.query(REPLACE, [projectId, mode, endpointId, secretFingerprint, new Date()]);
  }

  async forget(projectId: ProjectId, mode: StripeMode, endpointId: string): Promise<void> {
    await this.database.query(FORGET, [projectId, mode, endpointId]);
  }
}
