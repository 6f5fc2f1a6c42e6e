import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
import type { Actor } from '../../../common/actor.js';
import type { ProjectId } from '../../../common/ids.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import { Database, query, type Steps } from '../../../database/database.js';
import { HistoryTrail } from '../../../history/history-trail.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import {
  StripeWebhookEndpointEntity,
  StripeWebhookEndpointLeaseEntity,
} from './webhook-endpoint.entities.js';
import * as statements from './webhook-endpoints.statements.js';

export type StoredEndpoint = Pick<StripeWebhookEndpointEntity, 'mode' | 'endpointId' | 'secretFingerprint'>;

/**
 * Stores the webhook endpoints that this service created. Writes are part of the transaction that writes the
 * signing secret.
 */
@Injectable()
export class WebhookEndpointsRepository {
  readonly #entities: Repository<StripeWebhookEndpointEntity>;

  constructor(
    dataSource: DataSource,
    private readonly history: HistoryTrail,
  ) {
    this.#entities = dataSource.getRepository(StripeWebhookEndpointEntity);
  }

  findByProject(projectId: ProjectId): Promise<StoredEndpoint[]> {
    return reachingDatabase(this.#entities.findBy({ projectId }));
  }

  async find({ projectId, mode }: ProjectMode): Promise<StoredEndpoint | undefined> {
    return (await reachingDatabase(this.#entities.findOneBy({ projectId, mode }))) ?? undefined;
  }

  /** Lists the endpoints of all projects. */
  list(): Promise<ProjectMode[]> {
    return reachingDatabase(
      this.#entities.find({
        select: { projectId: true, mode: true },
        order: { projectId: 'ASC', mode: 'ASC' },
      }),
    );
  }

  *record(projectId: ProjectId, { mode, endpointId, secretFingerprint }: StoredEndpoint): Steps<void> {
    yield* query(statements.RECORD, [projectId, mode, endpointId, secretFingerprint, new Date()]);
  }

  /** @returns whether it was stored */
  *forget({ projectId, mode }: ProjectMode, endpointId: string): Steps<boolean> {
    return (yield* query(statements.FORGET, [projectId, mode, endpointId])).length > 0;
  }

  /** Records that an endpoint of ours was removed which is not stored here, for example after a crash. */
  async recordRemovalOfStray(
    { projectId, mode }: ProjectMode,
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

/**
 * Longer than all calls to Stripe take together. A lease that is still held by then belongs to a crashed
 * process.
 */
const LEASE_MS = 30_000;

export interface Lease extends ProjectMode {
  readonly holder: string;
}

@Injectable()
export class WebhookEndpointLeasesRepository {
  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
  ) {}

  /** @returns `undefined` if somebody else holds the lease */
  async take({ projectId, mode }: ProjectMode): Promise<Lease | undefined> {
    const holder = randomUUID();
    const now = new Date();
    const expiresAt = new Date(now.getTime() + LEASE_MS);
    const values = [projectId, mode, holder, expiresAt, now];
    const taken = await this.database.write(statements.TAKE_LEASE, values);
    return taken.length > 0 ? { projectId, mode, holder } : undefined;
  }

  async release({ projectId, mode, holder }: Lease): Promise<void> {
    const leases = this.dataSource.getRepository(StripeWebhookEndpointLeaseEntity);
    await reachingDatabase(leases.delete({ projectId, mode, holder }));
  }

  /** Part of the transaction that writes the result. @returns whether the lease is still held */
  *confirm({ projectId, mode, holder }: Lease): Steps<boolean> {
    return (yield* query(statements.CONFIRM_LEASE, [projectId, mode, holder])).length > 0;
  }
}
