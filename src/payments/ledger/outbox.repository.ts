import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, run, send, sql, toTimestamp, type Transaction } from '../../database/database.js';
import type { LedgerEvent, LedgerEventName } from './ledger-events.js';

/** An event that is to be told now. */
export interface DueEvent {
  readonly id: string;
  /** JSON. */
  readonly payload: string;
  /** This one included. */
  readonly attempts: number;
}

/** $1 id, $2 project, $3 mode, $4 name, $5 payload, $6 now. */
const ADD = sql<never>(
  'add_to_outbox',
  `INSERT INTO ledger_outbox (id, project_id, mode, name, payload, attempts, due_at, created_at) VALUES ($1, $2, $3, $4, $5, 0, $6, $6)`,
);

/** $1 name, $2 now, $3 until when nobody else takes them, $4 how many. */
const take = (skipLocked: string) =>
  sql<DueEvent>(
    'take_from_outbox',
    `UPDATE ledger_outbox SET due_at = $3, attempts = attempts + 1
     WHERE id IN (SELECT id FROM ledger_outbox WHERE name = $1 AND due_at <= $2 ORDER BY due_at LIMIT $4 ${skipLocked})
     RETURNING id, payload, attempts`,
  );
const TAKE = { sqlite: take(''), postgres: take('FOR UPDATE SKIP LOCKED') };

const REMOVE = sql<never>('remove_from_outbox', 'DELETE FROM ledger_outbox WHERE id = $1');

/** $1 id, $2 when. */
const POSTPONE = sql<never>('postpone_in_outbox', 'UPDATE ledger_outbox SET due_at = $2 WHERE id = $1');

/** $1 name, $2 due before. */
const DROP = sql<never>('drop_from_outbox', 'DELETE FROM ledger_outbox WHERE name = $1 AND due_at < $2');

/** How many waiting events are counted, so that a question about them stays cheap. */
const MAX_COUNTED = 10_000;

/** $1 name. Those that nobody took yet come first, the oldest before the others. */
const BACKLOG = sql<{ waiting: number | string; oldest: Date | string | null }>(
  'backlog_of_outbox',
  `SELECT COUNT(*) AS waiting, MIN(created_at) AS oldest
   FROM (SELECT created_at FROM ledger_outbox WHERE name = $1 ORDER BY due_at LIMIT ${MAX_COUNTED}) AS first`,
);

/** What other modules are to be told, kept until they were. */
@Injectable()
export class OutboxRepository {
  constructor(private readonly database: Database) {}

  /** Part of the transaction that the event tells of. */
  *add([name, event]: LedgerEvent, now: Date): Transaction<void> {
    yield* send(ADD, [randomUUID(), event.projectId, event.mode, name, JSON.stringify(event), now]);
  }

  /** How many events wait, up to 10,000, and since when the oldest does. */
  async backlog(name: LedgerEventName): Promise<{ waiting: number; oldest: Date | undefined }> {
    const [row] = await this.database.query(BACKLOG, [name]);
    return { waiting: Number(row?.waiting ?? 0), oldest: row?.oldest ? new Date(toTimestamp(row.oldest)) : undefined };
  }

  /** Takes events that nobody else gets until the lease ends: then whoever took them has died. */
  take(name: LedgerEventName, now: Date, leaseUntil: Date, limit: number): Promise<DueEvent[]> {
    return this.database.query(TAKE[this.database.engine], [name, now, leaseUntil, limit]);
  }

  /** @param postponed until when, for those that were not told */
  async finish(told: readonly DueEvent[], postponed: readonly (readonly [DueEvent, Date])[]): Promise<void> {
    await this.database.transaction(function* () {
      for (const { id } of told) yield* run(REMOVE, [id]);
      for (const [{ id }, until] of postponed) yield* run(POSTPONE, [id, until]);
    });
  }

  /** Of an event that nobody listens to. What somebody failed to tell is due later. */
  async drop(name: LedgerEventName, dueBefore: Date): Promise<void> {
    await this.database.query(DROP, [name, dueBefore]);
  }
}
