import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { Database, exec, query, sql, type Steps, toTimestamp } from '../../../database/database.js';
import type { DurableEvent, DurableEventName } from '../../payments-events.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

/** Something that other modules are still to be told. */
@Entity('ledger_outbox')
@Index('ledger_outbox_by_due', ['name', 'dueAt'])
export class OutboxEventEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'ledger_outbox_pk' })
  id: string;

  @Column('uuid', { name: 'project_id' })
  projectId: ProjectId;

  @Column({ type: 'varchar', length: 4 })
  mode: StripeMode;

  @Column({ type: 'varchar', length: 32 })
  name: string;

  /** JSON. */
  @Column({ type: 'text' })
  payload: string;

  @Column({ type: 'integer' })
  attempts: number;

  /** Nobody takes it before: later than now while somebody tells it, and after somebody failed to. */
  @Column({ name: 'due_at', type: Date, precision: 3 })
  dueAt: Date;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;
}

/** An event that is due for delivery. */
export interface DueEvent {
  readonly id: string;
  /** JSON. */
  readonly payload: string;
  /** Including this one. */
  readonly attempts: number;
}

/** $1 id, $2 project, $3 mode, $4 name, $5 payload, $6 now. */
const ADD = sql<never>(
  `INSERT INTO ledger_outbox (id, project_id, mode, name, payload, attempts, due_at, created_at) VALUES ($1, $2, $3, $4, $5, 0, $6, $6)`,
  'add_to_outbox',
);

/** $1 name, $2 now, $3 end of the lease, $4 limit. */
const take = (skipLocked: string) =>
  `UPDATE ledger_outbox SET due_at = $3, attempts = attempts + 1
   WHERE id IN (SELECT id FROM ledger_outbox WHERE name = $1 AND due_at <= $2 ORDER BY due_at LIMIT $4 ${skipLocked})
   RETURNING id, payload, attempts`;
const TAKE = sql<DueEvent>(
  { sqlite: take(''), postgres: take('FOR UPDATE SKIP LOCKED') },
  'take_from_outbox',
);

const REMOVE = sql<never>('DELETE FROM ledger_outbox WHERE id = $1', 'remove_from_outbox');

/** $1 id, $2 when. */
const POSTPONE = sql<never>('UPDATE ledger_outbox SET due_at = $2 WHERE id = $1', 'postpone_in_outbox');

/** $1 name, $2 due before. */
const DROP = sql<never>('DELETE FROM ledger_outbox WHERE name = $1 AND due_at < $2', 'drop_from_outbox');

/** Bounds the cost of counting. */
const MAX_COUNTED = 10_000;

/** $1 name. Ordered by due time, so that events nobody has leased yet come first. */
const BACKLOG = sql<{ waiting: number | string; oldest: Date | string | null }>(
  `SELECT COUNT(*) AS waiting, MIN(created_at) AS oldest
   FROM (SELECT created_at FROM ledger_outbox WHERE name = $1 ORDER BY due_at LIMIT ${MAX_COUNTED}) AS first`,
  'backlog_of_outbox',
);

/** Durable events, kept until every listener has them. */
@Injectable()
export class OutboxRepository {
  constructor(private readonly database: Database) {}

  /** Part of the transaction that makes the change. */
  *add([name, event]: DurableEvent, now: Date): Steps<void> {
    yield* exec(ADD, [randomUUID(), event.projectId, event.mode, name, JSON.stringify(event), now]);
  }

  /** Number of waiting events, up to 10,000, and the age of the oldest. */
  async backlog(name: DurableEventName): Promise<{ waiting: number; oldest: Date | undefined }> {
    const [row] = await this.database.query(BACKLOG, [name]);
    return {
      waiting: Number(row?.waiting ?? 0),
      oldest: row?.oldest ? new Date(toTimestamp(row.oldest)) : undefined,
    };
  }

  /** Leases due events: another process gets them only after the lease has ended. */
  take(name: DurableEventName, now: Date, leaseUntil: Date, limit: number): Promise<DueEvent[]> {
    return this.database.query(TAKE, [name, now, leaseUntil, limit]);
  }

  /** @param postponed failed deliveries, with the time of the next attempt */
  async finish(
    delivered: readonly DueEvent[],
    postponed: readonly (readonly [DueEvent, Date])[],
  ): Promise<void> {
    await this.database.transaction(function* () {
      for (const { id } of delivered) yield* query(REMOVE, [id]);
      for (const [{ id }, until] of postponed) yield* query(POSTPONE, [id, until]);
    });
  }

  /** Deletes events that nobody listens to. Failed deliveries are due later and stay. */
  async drop(name: DurableEventName, dueBefore: Date): Promise<void> {
    await this.database.query(DROP, [name, dueBefore]);
  }
}
