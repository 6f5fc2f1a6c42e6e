import { Injectable } from '@nestjs/common';
import {
  Between,
  Column,
  DataSource,
  Entity,
  In,
  IsNull,
  MoreThanOrEqual,
  Not,
  PrimaryColumn,
  type SelectQueryBuilder,
} from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import type { RowOf } from '../../../database/columns.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import { Database } from '../../../database/database.js';
import { ProjectEntity } from '../../../projects/project.entity.js';
import { EventLog } from '../../events/event-log.js';
import { StripeSubscriptionEntity } from '../../ledger/store/ledger.entities.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { StripeConfigEntity, StripeCredentialEntity } from '../../stripe-config/stripe-config.entities.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { WebhookEventEntity } from '../events/webhook-event.entity.js';
import type { ReconcileReport } from './reconcile.dto.js';

/**
 * Progress of the current or last reconciliation of one project and mode, so that an interrupted one can
 * resume.
 */
@Entity('reconciliations')
export class ReconciliationEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'reconciliations_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'reconciliations_pk' })
  mode: StripeMode;

  /** All events before this time were read; `null` before the first complete reconciliation. */
  @Column({ name: 'known_until', type: Date, precision: 3, nullable: true })
  knownUntil: Date | null;

  /** When everything that the account had before was read; `null` without a complete backfill. */
  @Column({ name: 'backfilled_at', type: Date, precision: 3, nullable: true })
  backfilledAt: Date | null;

  /** Start of the time range whose events are read. */
  @Column({ type: Date, precision: 3 })
  since: Date;

  @Column({ name: 'started_at', type: Date, precision: 3 })
  startedAt: Date;

  /** The list that is being read; `null` after the last. */
  @Column({ type: 'varchar', length: 16, nullable: true })
  phase: 'past' | 'events' | 'subscriptions' | 'later events' | null;

  /** Index of the list that is read: of types in `EVENT_BATCHES`, or in the phase `past` in `PAST_LISTS`. */
  @Column({ type: 'smallint' })
  batch: number;

  /** Stripe's id of the last object on the last page; `null` before the first page. */
  @Column({ type: 'varchar', length: 255, nullable: true })
  cursor: string | null;
}

/**
 * Progress of one reconciliation. A backfill first reads lists of the past. Then it reads the events since a time, then the subscriptions, and if it was
 * interrupted, the events since its start.
 */
export type Pass = Readonly<
  Pick<RowOf<ReconciliationEntity>, 'since' | 'startedAt' | 'phase' | 'batch' | 'cursor'>
>;

const CURRENT_KEY = `key.kind = 'secret_key' AND key.slot = 0`;

@Injectable()
export class ReconciliationsRepository {
  constructor(
    private readonly dataSource: DataSource,
    private readonly database: Database,
    private readonly log: EventLog,
  ) {}

  /** @returns the interrupted pass; `undefined` if the key was replaced since its start */
  async findUnfinished(tenant: ProjectMode): Promise<Pass | undefined> {
    const query = this.#readWithCurrentKey(tenant)
      .andWhere('pass.phase IS NOT NULL')
      .andWhere('key.writtenAt < pass.startedAt');
    return (await reachingDatabase(query.getOne())) ?? undefined;
  }

  /**
   * @returns the time until which all events were read with the current key, and the time of the oldest
   * unresolved failure
   */
  async findStart(tenant: ProjectMode): Promise<{ knownUntil?: Date; unsettledSince?: Date }> {
    const query = this.#readWithCurrentKey(tenant).andWhere('key.writtenAt < pass.knownUntil');
    const knownUntil = (await reachingDatabase(query.getOne()))?.knownUntil;
    const oldest = await reachingDatabase(
      this.dataSource.getRepository(WebhookEventEntity).findOne({
        where: { ...tenant, failedAt: Not(IsNull()), outcome: In(['failed', 'open']) },
        order: { createdAt: 'ASC' },
      }),
    );
    return { ...(knownUntil && { knownUntil }), ...(oldest && { unsettledSince: oldest.createdAt }) };
  }

  /** Whether everything that the account of the current key had was read. */
  async isBackfilled(tenant: ProjectMode): Promise<boolean> {
    const query = this.#readWithCurrentKey(tenant).andWhere('key.writtenAt < pass.backfilledAt');
    return reachingDatabase(query.getExists());
  }

  /** Notes that the lists of the past were read completely. */
  async markBackfilled({ projectId, mode }: ProjectMode): Promise<void> {
    const passes = this.dataSource.getRepository(ReconciliationEntity);
    await reachingDatabase(passes.update({ projectId, mode }, { backfilledAt: new Date() }));
  }

  /** @param isGapless whether all events before the pass were read. Otherwise `knownUntil` stays. */
  async save(tenant: ProjectMode, pass: Pass, isGapless: boolean): Promise<void> {
    const { since, startedAt, phase, batch, cursor } = pass;
    const isComplete = phase === null && isGapless;
    const row = {
      ...tenant,
      since,
      startedAt,
      phase,
      batch,
      cursor,
      ...(isComplete && { knownUntil: startedAt }),
    };
    const passes = this.dataSource.getRepository(ReconciliationEntity);
    await reachingDatabase(passes.upsert(row, ['projectId', 'mode']));
  }

  /** Sends `reconcile.repaired` if there were repairs, each of which is committed already. */
  async tellRepairs(
    tenant: ProjectMode,
    { since, missedEvents, subscriptions }: ReconcileReport,
  ): Promise<void> {
    if (missedEvents + subscriptions.repaired === 0) return;
    const reconcile = {
      since: since.toISOString(),
      missedEvents,
      repairedSubscriptions: subscriptions.repaired,
    };
    await this.database.transaction(() => this.log.add(['reconcile.repaired', { ...tenant, reconcile }]));
  }

  /**
   * Lists the subscriptions here that have not ended and belong on one page of Stripe's list.
   * @param after the subscription before that page.
   * @param from the creation time of the last on it. @returns
   * Stripe's ids
   */
  async listRunning(
    { projectId, mode }: ProjectMode,
    { after, from, limit }: { after: string | null; from: Date; limit: number },
  ): Promise<string[]> {
    const subscriptions = this.dataSource.getRepository(StripeSubscriptionEntity);
    const before =
      after === null
        ? null
        : await reachingDatabase(subscriptions.findOneBy({ projectId, mode, subscriptionId: after }));
    const running = await reachingDatabase(
      subscriptions.find({
        select: { id: true, subscriptionId: true },
        where: {
          projectId,
          mode,
          status: Not(In(['canceled', 'incomplete_expired'])),
          createdAt: before ? Between(from, before.createdAt) : MoreThanOrEqual(from),
        },
        order: { createdAt: 'DESC', id: 'DESC' },
        take: limit,
      }),
    );
    return running.map(({ subscriptionId }) => subscriptionId);
  }

  /**
   * Lists the projects and modes with a secret key, or those of one project or mode. Those reconciled last
   * come last.
   */
  list({ projectId, mode }: Partial<ProjectMode>): Promise<ProjectMode[]> {
    const query = this.dataSource
      .getRepository(StripeCredentialEntity)
      .createQueryBuilder('key')
      .select('key.projectId', 'projectId')
      .addSelect('key.mode', 'mode')
      .innerJoin(ProjectEntity, 'project', 'project.id = key.projectId AND project.deletedAt IS NULL')
      .innerJoin(StripeConfigEntity, 'config', 'config.projectId = key.projectId AND config.isActive')
      .leftJoin(ReconciliationEntity, 'pass', 'pass.projectId = key.projectId AND pass.mode = key.mode')
      .where(CURRENT_KEY)
      .orderBy('pass.knownUntil', 'ASC', 'NULLS FIRST')
      .addOrderBy('key.projectId')
      .addOrderBy('key.mode');
    if (projectId) query.andWhere({ projectId });
    if (mode) query.andWhere({ mode });
    return reachingDatabase(query.getRawMany<ProjectMode>());
  }

  /** Joins the current key, because a pass with an earlier key may have read another account. */
  #readWithCurrentKey(tenant: ProjectMode): SelectQueryBuilder<ReconciliationEntity> {
    const isSameKey = `key.projectId = pass.projectId AND key.mode = pass.mode AND ${CURRENT_KEY}`;
    return this.dataSource
      .getRepository(ReconciliationEntity)
      .createQueryBuilder('pass')
      .innerJoin(StripeCredentialEntity, 'key', isSameKey)
      .where({ projectId: tenant.projectId, mode: tenant.mode });
  }
}
