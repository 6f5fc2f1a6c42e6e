import { Injectable } from '@nestjs/common';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { columns } from '../../../database/columns.js';
import { Database, sql, toTimestamp } from '../../../database/database.js';
import { StripeCredentialEntity } from '../../stripe-config/stripe-config.entities.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

/** Of the reconciliation that is running or ran last: how far it came, so that the next one goes on. */
@Entity('reconciliations')
export class ReconciliationEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'reconciliations_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'reconciliations_pk' })
  mode: StripeMode;

  /** What happened at Stripe before then was seen; `null` before the first that came to its end. */
  @Column({ name: 'known_until', type: Date, precision: 3, nullable: true })
  knownUntil: Date | null;

  /** Where it begins. */
  @Column({ type: Date, precision: 3 })
  since: Date;

  @Column({ name: 'started_at', type: Date, precision: 3 })
  startedAt: Date;

  /** What it is reading; `null` once it came to its end. */
  @Column({ type: 'varchar', length: 16, nullable: true })
  phase: 'events' | 'subscriptions' | 'later events' | null;

  /** Index of the batch of event types that it is reading. */
  @Column({ type: 'smallint' })
  batch: number;

  /** Stripe's id of what it read last. */
  @Column({ type: 'varchar', length: 255, nullable: true })
  cursor: string | null;
}

/**
 * One pass over what Stripe has of a project and mode: first the events since a time, then the subscriptions, and where it was cut
 * short meanwhile, the events since it started.
 */
export interface Pass {
  readonly since: Date;
  readonly startedAt: Date;
  /** `null` once it came to its end. */
  readonly phase: 'events' | 'subscriptions' | 'later events' | null;
  /** In a phase of events: the index in `EVENT_BATCHES` of the types that it lists. */
  readonly batch: number;
  /** Stripe's id of what it read last. */
  readonly cursor: string | null;
}

export interface Reconcilable {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
}

interface StartRow {
  knownUntil: Date | string | null;
  /** An expression, so SQLite gives its text. */
  unsettledSince: Date | string | null;
}

/** $1 project, $2 mode. With the key that is stored now: another one may be of another account, and what it read tells nothing of this one. */
const RECONCILIATION = `reconciliations r JOIN stripe_credentials k
     ON k.project_id = r.project_id AND k.mode = r.mode AND k.kind = 'secret_key' AND k.slot = 0
   WHERE r.project_id = $1 AND r.mode = $2`;

/** $1 project, $2 mode. */
const FIND = sql<Pass>(
  `SELECT ${columns(ReconciliationEntity, { of: 'r', only: ['since', 'startedAt', 'phase', 'batch', 'cursor'] })}
   FROM ${RECONCILIATION} AND r.phase IS NOT NULL AND k.written_at < r.started_at`,
  'find_reconciliation',
);

/** $1 project, $2 mode. Until when all events were seen, and when the oldest happened that is not settled. */
const FIND_START = sql<StartRow>(
  `SELECT (SELECT r.known_until FROM ${RECONCILIATION} AND k.written_at < r.known_until) AS "knownUntil",
     (SELECT min(created_at) FROM webhook_events
      WHERE project_id = $1 AND mode = $2 AND failed_at IS NOT NULL AND outcome IN ('failed', 'open')) AS "unsettledSince"`,
  'find_reconciliation_start',
);

/** $1 project, $2 mode, $3 since, $4 started, $5 phase, $6 batch, $7 cursor, $8 until when all is known, `null` if it tells nothing new of that. */
const SAVE = sql<never>(
  `INSERT INTO reconciliations (project_id, mode, known_until, since, started_at, phase, batch, cursor)
   VALUES ($1, $2, $8, $3, $4, $5, $6, $7)
   ON CONFLICT (project_id, mode) DO UPDATE SET known_until = COALESCE(excluded.known_until, reconciliations.known_until),
     since = excluded.since, started_at = excluded.started_at, phase = excluded.phase,
     batch = excluded.batch, cursor = excluded.cursor`,
  'save_reconciliation',
);

/** $1 project or `null`, $2 mode or `null`. Where there is a key to ask Stripe with; what was reconciled last comes last. */
const LIST = sql<Reconcilable>(
  `SELECT ${columns(StripeCredentialEntity, { of: 'k', only: ['projectId', 'mode'] })} FROM projects p
   JOIN stripe_configs c ON c.project_id = p.id AND c.is_active
   JOIN stripe_credentials k ON k.project_id = p.id AND k.kind = 'secret_key' AND k.slot = 0
   LEFT JOIN reconciliations r ON r.project_id = k.project_id AND r.mode = k.mode
   WHERE p.deleted_at IS NULL AND COALESCE(p.id = $1, true) AND COALESCE(k.mode = $2, true)
   ORDER BY r.known_until NULLS FIRST, k.project_id, k.mode`,
  'list_reconcilable_projects',
);

/** $1 project, $2 mode, $3 the subscription that stands before in Stripe's list or `null`, $4 how old at most, $5 how many. */
const LIST_RUNNING = sql<{ subscriptionId: string }>(
  `SELECT subscription_id AS "subscriptionId" FROM stripe_subscriptions
   WHERE project_id = $1 AND mode = $2 AND status NOT IN ('canceled', 'incomplete_expired') AND created_at >= $4
     AND created_at <= COALESCE(
       (SELECT created_at FROM stripe_subscriptions WHERE project_id = $1 AND mode = $2 AND subscription_id = $3), created_at)
   ORDER BY created_at DESC, id DESC LIMIT $5`,
  'list_running_subscriptions',
);

@Injectable()
export class ReconciliationsRepository {
  constructor(private readonly database: Database) {}

  /** The pass that did not come to its end, unless the key was written since it started. */
  async findUnfinished(projectId: ProjectId, mode: StripeMode): Promise<Pass | undefined> {
    const [row] = await this.database.query(FIND, [projectId, mode]);
    return row;
  }

  /** What the next pass has to begin with: until when all is known to the key that is stored, but for events that failed. */
  async findStart(
    projectId: ProjectId,
    mode: StripeMode,
  ): Promise<{ knownUntil: Date | undefined; unsettledSince: Date | undefined }> {
    const [row] = await this.database.query(FIND_START, [projectId, mode]);
    const time = (value: Date | string | null | undefined) => (value ? toDate(value) : undefined);
    return { knownUntil: time(row?.knownUntil), unsettledSince: time(row?.unsettledSince) };
  }

  /** @param isGapless whether all before it is known: if not, its end moves nothing */
  async save(
    projectId: ProjectId,
    mode: StripeMode,
    { since, startedAt, phase, batch, cursor }: Pass,
    isGapless: boolean,
  ): Promise<void> {
    const knownUntil = phase === null && isGapless ? startedAt : null;
    await this.database.query(SAVE, [projectId, mode, since, startedAt, phase, batch, cursor, knownUntil]);
  }

  /** Subscriptions here that are not over: where those of one page of Stripe's list have to be. @returns Stripe's ids */
  async listRunning(
    projectId: ProjectId,
    mode: StripeMode,
    after: string | null,
    from: Date,
    limit: number,
  ): Promise<string[]> {
    const rows = await this.database.query(LIST_RUNNING, [projectId, mode, after, from, limit]);
    return rows.map(({ subscriptionId }) => subscriptionId);
  }

  /** Every project and mode with a secret key, or those of one project or mode; what was reconciled last comes last. */
  list(projectId: ProjectId | null, mode: StripeMode | null): Promise<Reconcilable[]> {
    return this.database.query(LIST, [projectId, mode]);
  }
}

function toDate(value: Date | string): Date {
  return new Date(toTimestamp(value));
}
