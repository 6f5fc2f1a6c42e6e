import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../../common/ids.js';
import { Database, query, sql, type Steps } from '../../../database/database.js';
import type { StripeMode } from '../../stripe-config/credential-rules.js';

/** Longer than the calls to Stripe take together; whoever still holds one by then has most likely died. */
const LEASE_MS = 30_000;

export interface Lease {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
  readonly holder: string;
}

/** $1 project, $2 mode, $3 holder, $4 now, $5 until when. */
const TAKE = sql<{ mode: StripeMode }>(
  `INSERT INTO stripe_webhook_endpoint_leases (project_id, mode, holder, expires_at) VALUES ($1, $2, $3, $5)
   ON CONFLICT (project_id, mode) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
   WHERE stripe_webhook_endpoint_leases.expires_at <= $4
   RETURNING mode`,
  'take_webhook_endpoint_lease',
);

/** $1 project, $2 mode, $3 holder. Locks the lease: nobody takes it before the transaction ends. */
const CONFIRM = sql<{ mode: StripeMode }>(
  `UPDATE stripe_webhook_endpoint_leases SET holder = holder WHERE project_id = $1 AND mode = $2 AND holder = $3 RETURNING mode`,
  'confirm_webhook_endpoint_lease',
);

const RELEASE = sql<never>(
  'DELETE FROM stripe_webhook_endpoint_leases WHERE project_id = $1 AND mode = $2 AND holder = $3',
  'release_webhook_endpoint_lease',
);

/** Who may make or remove a mode's webhook endpoint at the moment, of all processes. */
@Injectable()
export class WebhookEndpointLeasesRepository {
  constructor(private readonly database: Database) {}

  /** @returns `undefined` when somebody else holds it */
  async take(projectId: ProjectId, mode: StripeMode): Promise<Lease | undefined> {
    const holder = randomUUID();
    const now = new Date();
    const taken = await this.database.query(TAKE, [projectId, mode, holder, now, new Date(now.getTime() + LEASE_MS)]);
    return taken.length > 0 ? { projectId, mode, holder } : undefined;
  }

  async release({ projectId, mode, holder }: Lease): Promise<void> {
    await this.database.query(RELEASE, [projectId, mode, holder]);
  }

  /** Part of the transaction that writes what was made. @returns whether it is still held */
  *confirm({ projectId, mode, holder }: Lease): Steps<boolean> {
    return (yield* query(CONFIRM, [projectId, mode, holder])).length > 0;
  }
}
