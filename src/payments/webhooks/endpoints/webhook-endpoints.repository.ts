import { Injectable } from '@nestjs/common';
import { AuditTrail } from '../../../audit/audit-trail.js';
import type { Actor } from '../../../common/actor.js';
import type { ProjectId } from '../../../common/ids.js';
import { columns } from '../../../database/columns.js';
import { Database, query, sql, type Steps } from '../../../database/database.js';
import { StripeWebhookEndpointEntity } from './webhook-endpoint.entities.js';
import type { StripeMode } from '../../stripe-config/credential-rules.js';

const KNOWN = ['mode', 'endpointId', 'secretFingerprint'] as const;
export type KnownEndpoint = Pick<StripeWebhookEndpointEntity, (typeof KNOWN)[number]>;

const FIND_BY_PROJECT = sql<KnownEndpoint>(
  `SELECT ${columns(StripeWebhookEndpointEntity, { only: KNOWN })} FROM stripe_webhook_endpoints WHERE project_id = $1`,
  'find_stripe_webhook_endpoints',
);

/** $1 project, $2 mode, $3 endpoint, $4 fingerprint of its secret, $5 now. */
const RECORD = sql<never>(
  `INSERT INTO stripe_webhook_endpoints (project_id, mode, endpoint_id, secret_fingerprint, created_at) VALUES ($1, $2, $3, $4, $5)
   ON CONFLICT (project_id, mode) DO UPDATE SET endpoint_id = excluded.endpoint_id,
     secret_fingerprint = excluded.secret_fingerprint, created_at = excluded.created_at`,
  'record_stripe_webhook_endpoint',
);

const FORGET = sql<{ mode: StripeMode }>(
  'DELETE FROM stripe_webhook_endpoints WHERE project_id = $1 AND mode = $2 AND endpoint_id = $3 RETURNING mode',
  'forget_stripe_webhook_endpoint',
);

/** The webhook endpoints that we made at Stripe. Writes are part of the transaction that writes the signing secret. */
@Injectable()
export class WebhookEndpointsRepository {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {}

  findByProject(projectId: ProjectId): Promise<KnownEndpoint[]> {
    return this.database.query(FIND_BY_PROJECT, [projectId]);
  }

  async find(projectId: ProjectId, mode: StripeMode): Promise<KnownEndpoint | undefined> {
    return (await this.findByProject(projectId)).find((known) => known.mode === mode);
  }

  *record(projectId: ProjectId, { mode, endpointId, secretFingerprint }: KnownEndpoint): Steps<void> {
    yield* query(RECORD, [projectId, mode, endpointId, secretFingerprint, new Date()]);
  }

  /** @returns whether it was known */
  *forget(projectId: ProjectId, mode: StripeMode, endpointId: string): Steps<boolean> {
    return (yield* query(FORGET, [projectId, mode, endpointId])).length > 0;
  }

  /** Records that an endpoint of ours was removed which is not known here, for example after a crash. */
  async recordRemovalOfStray(projectId: ProjectId, mode: StripeMode, endpoint: string, actor: Actor): Promise<void> {
    await this.audit.record(projectId, { action: 'webhook_endpoint.removed', details: { mode, endpoint }, actor, at: new Date() });
  }
}
