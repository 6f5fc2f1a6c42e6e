import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { Actor } from '../../../common/actor.js';
import type { ProjectId } from '../../../common/ids.js';
import { columns } from '../../../database/columns.js';
import { Database, query, sql, type Steps } from '../../../database/database.js';
import { HistoryTrail } from '../../../history/history-trail.js';
import { StripeConfigEntity } from '../../stripe-config/stripe-config.entities.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

/** A webhook endpoint that we made at Stripe. */
@Entity('stripe_webhook_endpoints')
export class StripeWebhookEndpointEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'stripe_webhook_endpoints_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'stripe_webhook_endpoints_pk' })
  mode: StripeMode;

  @Column({ name: 'endpoint_id', type: 'varchar', length: 255 })
  endpointId: string;

  /** Fingerprint of its signing secret, to compare with the stored webhook secret. */
  @Column({ name: 'secret_fingerprint', type: 'varchar', length: 32 })
  secretFingerprint: string;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_webhook_endpoints_config_fk' })
  config: StripeConfigEntity;
}

/** Lets one process at a time make, update or remove the webhook endpoint of a mode. */
@Entity('stripe_webhook_endpoint_leases')
export class StripeWebhookEndpointLeaseEntity {
  @PrimaryColumn('uuid', {
    name: 'project_id',
    primaryKeyConstraintName: 'stripe_webhook_endpoint_leases_pk',
  })
  projectId: ProjectId;

  @PrimaryColumn({
    type: 'varchar',
    length: 4,
    primaryKeyConstraintName: 'stripe_webhook_endpoint_leases_pk',
  })
  mode: StripeMode;

  /** A random id for each lease. */
  @Column({ type: 'varchar', length: 36 })
  holder: string;

  /** The lease of a process that died is free from this time on. */
  @Column({ name: 'expires_at', type: Date, precision: 3 })
  expiresAt: Date;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_webhook_endpoint_leases_config_fk' })
  config: StripeConfigEntity;
}

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
    private readonly history: HistoryTrail,
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
  async recordRemovalOfStray(
    projectId: ProjectId,
    mode: StripeMode,
    endpoint: string,
    actor: Actor,
  ): Promise<void> {
    await this.history.record(projectId, {
      action: 'webhook_endpoint.removed',
      details: { mode, endpoint },
      actor,
      at: new Date(),
    });
  }
}

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
    const taken = await this.database.query(TAKE, [
      projectId,
      mode,
      holder,
      now,
      new Date(now.getTime() + LEASE_MS),
    ]);
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
