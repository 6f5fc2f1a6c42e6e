import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../../common/ids.js';
import {
  Database,
  query,
  type SqlValue,
  type Statement,
  zip,
  toTimestamp,
  type Steps,
} from '../../../database/database.js';
import type { SealedText } from '../../../vault/seal/seal.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import type { SealedPayload } from './event-payloads.js';
import type { Outcome, ReceivedEvent, Verdict } from './received-event.js';
import * as statements from './webhook-events.statements.js';

interface Failure {
  readonly at: string;
  /** In our words. */
  readonly reason: string;
}

/** What arrived last in a mode, and what last failed. */
export interface Activity {
  readonly mode: StripeMode;
  readonly lastEventAt: string | null;
  readonly lastFailure: Failure | null;
  /** How many events are in a form that is not known. */
  readonly unreadableEvents: number;
}

/** What became of an event. Times are RFC 3339, UTC, milliseconds. */
export interface WebhookEvent {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
  readonly id: string;
  readonly type: string;
  readonly apiVersion: string | null;
  readonly createdAt: string;
  readonly receivedAt: string;
  readonly processedAt: string;
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly lastFailure: Failure | null;
  readonly duplicates: number;
  readonly hasPayload: boolean;
}

export interface StoredEvent {
  readonly event: WebhookEvent;
  /** `null` once its time is over. */
  readonly sealed: SealedText | null;
}

/** `null`: whatever it is. */
export interface EventFilter {
  readonly mode: StripeMode | null;
  readonly type: string | null;
  readonly outcome: Outcome | null;
}

export interface EventList {
  readonly events: WebhookEvent[];
  /** Counted up to 10,000. */
  readonly total: number;
}

@Injectable()
export class WebhookEventsRepository {
  constructor(private readonly database: Database) {}

  /** Counts the delivery of an event that was applied or ignored before. @returns whether it was */
  async countDuplicate({ projectId, mode, id }: ReceivedEvent): Promise<boolean> {
    const key = [projectId, mode, id];
    // What is written to SQLite waits for others to be committed with, so it is asked first whether there is something to write.
    if (
      this.database.engine === 'sqlite' &&
      (await this.database.query(statements.IS_SETTLED, key)).length === 0
    )
      return false;
    return (await this.#write(statements.COUNT_DUPLICATE, key)).length > 0;
  }

  /** Those of the events that were applied or ignored before. */
  async findSettled(
    projectId: ProjectId,
    mode: StripeMode,
    ids: readonly string[],
  ): Promise<ReadonlySet<string>> {
    const statement = statements.FIND_SETTLED[this.database.engine];
    const rows = await this.database.query(statement, [projectId, mode, JSON.stringify(ids)]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Notes what there is nothing to write for. @returns false when it was a duplicate, which is counted */
  async settle(event: ReceivedEvent, verdict: Verdict, payload: SealedPayload | undefined): Promise<boolean> {
    return isClaimed(await this.#write(statements.CLAIM.toIgnore, columnsOf(event, verdict, payload)));
  }

  /**
   * Claims the event and writes what `apply` writes, all or nothing; whoever comes second waits.
   * @returns false when it was a duplicate, which is counted
   */
  async apply(
    event: ReceivedEvent,
    payload: SealedPayload | undefined,
    apply: () => Steps<unknown>,
  ): Promise<boolean> {
    const columns = columnsOf(event, { outcome: 'applied', reason: null }, payload);
    try {
      await this.database.transaction(() => zip(claim(columns), apply()));
      return true;
    } catch (error) {
      if (!(error instanceof AlreadySettled)) throw error;
      await this.countDuplicate(event);
      return false;
    }
  }

  /** The same of an event that is known, whatever became of it before. */
  async applyAgain({ projectId, mode, id }: ReceivedEvent, apply: () => Steps<unknown>): Promise<void> {
    await this.database.transaction(function* () {
      yield* query(statements.SETTLE_AGAIN, [projectId, mode, id, 'applied', null, new Date()]);
      yield* apply();
    });
  }

  async settleAgain({ projectId, mode, id }: ReceivedEvent, { outcome, reason }: Verdict): Promise<void> {
    await this.#write(statements.SETTLE_AGAIN, [projectId, mode, id, outcome, reason, new Date()]);
  }

  /** Notes that an event which is known can't be read. */
  async failAgain({ projectId, mode, id }: ReceivedEvent, { outcome, reason }: Verdict): Promise<void> {
    await this.#write(statements.FAIL_AGAIN, [projectId, mode, id, outcome, reason, new Date()]);
  }

  /** Notes that the event could not be applied, unless somebody else did it meanwhile. */
  async fail(event: ReceivedEvent, verdict: Verdict, payload: SealedPayload | undefined): Promise<void> {
    await this.#write(statements.FAIL, columnsOf(event, verdict, payload));
  }

  /** One page, what arrived last first, and how many there are in all. */
  async list(
    projectId: ProjectId,
    { mode, type, outcome }: EventFilter,
    offset: number,
    limit: number,
  ): Promise<EventList> {
    const filter = [projectId, mode, type, outcome];
    const which =
      outcome === 'failed' || outcome === 'open' || outcome === 'unreadable' ? 'unsettled' : 'all';
    const [rows, [counted]] = await Promise.all([
      this.database.query(statements.LIST[which], [...filter, limit, offset, offset + limit]),
      this.database.query(statements.COUNT[which], filter),
    ]);
    return { events: rows.map(toEvent), total: counted?.total ?? 0 };
  }

  /** What arrived last in each mode, and what last failed. */
  async activity(projectId: ProjectId): Promise<Activity[]> {
    const rows = await this.database.query(statements.ACTIVITY, [projectId]);
    return rows.map((row) => ({
      mode: row.mode,
      lastEventAt: row.lastEventAt && toTimestamp(row.lastEventAt),
      lastFailure: failureOf(row),
      unreadableEvents: row.unreadableEvents,
    }));
  }

  async find(projectId: ProjectId, id: string): Promise<StoredEvent | undefined> {
    const [row] = await this.database.query(statements.FIND, [projectId, id]);
    if (!row) return undefined;
    const { sealed, ...event } = row;
    return { event: toEvent(event), sealed };
  }

  /** Of what arrived before then, at most so many. @returns how many there were */
  async destroyPayloads(before: Date, limit: number): Promise<number> {
    return (await this.database.query(statements.DESTROY_PAYLOADS, [before, limit])).length;
  }

  /** Forgets events whose payloads are destroyed. @returns how many there were */
  async forget(before: Date, limit: number): Promise<number> {
    return (await this.database.query(statements.FORGET, [before, limit])).length;
  }

  /** One statement: on PostgreSQL a transaction by itself; on SQLite one that shares its commit with those of others. */
  #write<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]> {
    return this.database.engine === 'sqlite'
      ? this.database.transaction(() => query(statement, values))
      : this.database.query(statement, values);
  }
}

/** Somebody else applied the event meanwhile, which is why this transaction is to be rolled back. */
class AlreadySettled extends Error {
  override readonly name = 'AlreadySettled';
}

function* claim(columns: SqlValue[]): Steps<void> {
  if (!isClaimed(yield* query(statements.CLAIM.toApply, columns))) throw new AlreadySettled();
}

function isClaimed([row]: { duplicates: number }[]): boolean {
  return row?.duplicates === 0;
}

function columnsOf(
  { projectId, mode, id, type, apiVersion, created }: ReceivedEvent,
  { outcome, reason }: Verdict,
  payload: SealedPayload | undefined,
): SqlValue[] {
  const sealed = [payload?.sealed ?? null, payload?.keyId ?? null];
  return [projectId, mode, id, type, apiVersion, created, new Date(), outcome, reason, ...sealed];
}

function failureOf({ failedAt, failure }: Pick<statements.EventRow, 'failedAt' | 'failure'>): Failure | null {
  return failedAt === null || failure === null ? null : { at: toTimestamp(failedAt), reason: failure };
}

function toEvent({
  createdAt,
  receivedAt,
  processedAt,
  failedAt,
  failure,
  keyId,
  ...row
}: statements.EventRow): WebhookEvent {
  return {
    ...row,
    createdAt: toTimestamp(createdAt),
    receivedAt: toTimestamp(receivedAt),
    processedAt: toTimestamp(processedAt),
    lastFailure: failureOf({ failedAt, failure }),
    hasPayload: keyId !== null,
  };
}
