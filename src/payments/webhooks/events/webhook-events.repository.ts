import { Injectable } from '@nestjs/common';
import { DataSource, In, IsNull, Not, type Repository } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import { Database, query, type SqlValue, type Steps, zip } from '../../../database/database.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { STRIPE_MODES, type StripeMode } from '../../stripe/stripe-mode.js';
import type { SealedPayload } from './event-payloads.js';
import { type Subject, subjectOf } from '../../ledger/read/read-object.js';
import type { Outcome, ReceivedEvent, Verdict } from './event-reader.js';
import { WebhookEventEntity } from './webhook-event.entity.js';
import * as statements from './webhook-events.statements.js';

/** Latest event and latest failure of one mode. */
export interface Activity {
  readonly mode: StripeMode;
  readonly lastEventAt: Date | null;
  readonly lastFailure: { readonly at: Date; readonly reason: string } | null;
  readonly unreadableEvents: number;
}

/** `null` matches everything. */
export interface EventFilter {
  readonly mode: StripeMode | null;
  readonly type: string | null;
  readonly outcome: Outcome | null;
  /** Stripe's id of a subscription or of a payment. */
  readonly objectId: string | null;
}

/** The effect of an event on the ledger. */
export interface Application {
  readonly subject: Subject;
  readonly apply: () => Steps<unknown>;
}

export interface EventList {
  readonly events: statements.EventRow[];
  /** Counted up to 10,000. */
  readonly total: number;
}

@Injectable()
export class WebhookEventsRepository {
  readonly #entities: Repository<WebhookEventEntity>;

  constructor(
    private readonly database: Database,
    dataSource: DataSource,
  ) {
    this.#entities = dataSource.getRepository(WebhookEventEntity);
  }

  /** Counts the delivery if the event was applied or ignored before. @returns whether it was */
  async countDuplicate({ projectId, mode, id }: ReceivedEvent): Promise<boolean> {
    const values = [projectId, mode, id, ...statements.REVOCABLE];
    // New events are common: reading first spares them a write, which on SQLite waits for a commit.
    if ((await this.database.query(statements.IS_SETTLED, values)).length === 0) return false;
    return (await this.database.write(statements.COUNT_DUPLICATE, values)).length > 0;
  }

  /** @returns the ids of the events that are stored, and whether each was applied or ignored */
  async findKnown(
    { projectId, mode }: ProjectMode,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, boolean>> {
    const values = [projectId, mode, JSON.stringify(ids), ...statements.REVOCABLE];
    const rows = await this.database.query(statements.FIND_KNOWN, values);
    return new Map(rows.map(({ id, isSettled }) => [id, isSettled]));
  }

  /** Counts the events of all projects that arrived but are not applied. */
  async backlog(): Promise<{ waiting: number; oldest: Date | null }> {
    const [row] = await this.database.query(statements.BACKLOG, []);
    return row ?? { waiting: 0, oldest: null };
  }

  /** Records an event without effect. @returns false for a duplicate, which is counted */
  async settle(event: ReceivedEvent, verdict: Verdict, payload: SealedPayload | undefined): Promise<boolean> {
    const values = valuesOf(event, verdict, payload);
    return isClaimed(await this.database.write(statements.CLAIM.toIgnore, values));
  }

  /**
   * Claims the event and runs `apply` in one transaction. A concurrent claim waits for it.
   * @returns false for a duplicate, which is counted
   */
  async apply(
    event: ReceivedEvent,
    payload: SealedPayload | undefined,
    { subject, apply }: Application,
  ): Promise<boolean> {
    const values = valuesOf(event, { outcome: 'applied', reason: null }, payload, subject);
    try {
      await this.database.transaction(() => zip(claim(values), apply()));
      return true;
    } catch (error) {
      if (!(error instanceof AlreadySettled)) throw error;
      await this.countDuplicate(event);
      return false;
    }
  }

  /**
   * Marks a stored event as applied, independent of its outcome so far, and runs `apply` in one transaction.
   */
  async applyAgain({ projectId, mode, id }: ReceivedEvent, { subject, apply }: Application): Promise<void> {
    const { subscriptionId, paymentIntentId } = subject;
    const values = [projectId, mode, id, new Date(), subscriptionId, paymentIntentId];
    await this.database.transaction(function* () {
      yield* query(statements.MARK_APPLIED, values);
      yield* apply();
    });
  }

  /** Replaces the outcome of a stored event. */
  async replaceOutcome({ projectId, mode, id }: ReceivedEvent, verdict: Verdict): Promise<void> {
    const changes = { ...verdict, processedAt: new Date() };
    await reachingDatabase(this.#entities.update({ projectId, mode, id }, changes));
  }

  /** Records a failure of a stored event, independent of its outcome so far. */
  async failAgain({ projectId, mode, id }: ReceivedEvent, verdict: Verdict): Promise<void> {
    const now = new Date();
    const changes = { ...verdict, processedAt: now, failedAt: now, failure: verdict.reason };
    await reachingDatabase(this.#entities.update({ projectId, mode, id }, changes));
  }

  /** Records a failure, unless a concurrent delivery applied the event. */
  async fail(event: ReceivedEvent, verdict: Verdict, payload: SealedPayload | undefined): Promise<void> {
    const values = [...valuesOf(event, verdict, payload), ...statements.REVOCABLE];
    await this.database.write(statements.FAIL, values);
  }

  /** Reads one page, newest first, and counts all events that match the filter. */
  async list(
    projectId: ProjectId,
    { mode, type, outcome, objectId }: EventFilter,
    { offset, limit }: { offset: number; limit: number },
  ): Promise<EventList> {
    const filter = [projectId, mode, type, outcome];
    if (objectId !== null) return this.#listOfObject([...filter, objectId], { offset, limit });
    const which =
      outcome === 'failed' || outcome === 'open' || outcome === 'unreadable' ? 'unsettled' : 'all';
    const [events, [counted]] = await Promise.all([
      this.database.query(statements.LIST[which], [...filter, limit, offset, offset + limit]),
      this.database.query(statements.COUNT[which], filter),
    ]);
    return { events, total: counted?.total ?? 0 };
  }

  async #listOfObject(filter: SqlValue[], { offset, limit }: { offset: number; limit: number }) {
    const [events, [counted]] = await Promise.all([
      this.database.query(statements.LIST_OF_OBJECT, [...filter, limit, offset]),
      this.database.query(statements.COUNT_OF_OBJECT, filter),
    ]);
    return { events, total: counted?.total ?? 0 };
  }

  activity(projectId: ProjectId): Promise<Activity[]> {
    const select = { projectId: true, mode: true, id: true, receivedAt: true, failedAt: true, failure: true };
    const ofMode = async (mode: StripeMode): Promise<Activity> => {
      const all = { projectId, mode };
      const failed = { ...all, failedAt: Not(IsNull()) };
      const order = { receivedAt: 'DESC', id: 'DESC' } as const;
      const last = await this.#entities.findOne({ select, where: { ...all, isDelivered: true }, order });
      const lastFailed = await this.#entities.findOne({ select, where: failed, order: { failedAt: 'DESC' } });
      const unreadableEvents = await this.#entities.countBy({ ...failed, outcome: 'unreadable' });
      const { failedAt = null, failure = null } = lastFailed ?? {};
      const lastFailure = failedAt && failure !== null ? { at: failedAt, reason: failure } : null;
      return { mode, lastEventAt: last?.receivedAt ?? null, lastFailure, unreadableEvents };
    };
    return reachingDatabase(Promise.all(STRIPE_MODES.map(ofMode)));
  }

  /** Stripe's ids are unique across both modes. */
  async find(projectId: ProjectId, id: string): Promise<WebhookEventEntity | undefined> {
    const event = this.#entities.findOneBy({ projectId, mode: In(STRIPE_MODES), id });
    return (await reachingDatabase(event)) ?? undefined;
  }

  /**
   * Destroys at most `limit` payloads of events that arrived before the given time.
   * @returns how many there were
   */
  async destroyPayloads(before: Date, limit: number): Promise<number> {
    return (await this.database.query(statements.DESTROY_PAYLOADS, [before, limit])).length;
  }

  /**
   * Deletes at most `limit` events without payload that arrived before the given time.
   * @returns how many there were
   */
  async forget(before: Date, limit: number): Promise<number> {
    return (await this.database.query(statements.FORGET, [before, limit])).length;
  }
}

/** A concurrent delivery applied the event, so this transaction is rolled back. */
class AlreadySettled extends Error {
  override readonly name = 'AlreadySettled';
}

function* claim(values: SqlValue[]): Steps<void> {
  if (!isClaimed(yield* query(statements.CLAIM.toApply, [...values, ...statements.REVOCABLE])))
    throw new AlreadySettled();
}

function isClaimed([row]: { duplicates: number }[]): boolean {
  return row?.duplicates === 0;
}

function valuesOf(
  { projectId, mode, id, type, apiVersion, created, isDelivered, object }: ReceivedEvent,
  { outcome, reason }: Verdict,
  payload: SealedPayload | undefined,
  { subscriptionId, paymentIntentId } = subjectOf(object),
): SqlValue[] {
  const sealed = [payload?.sealed ?? null, payload?.keyId ?? null];
  return [
    projectId,
    mode,
    id,
    type,
    apiVersion,
    created,
    new Date(),
    outcome,
    reason,
    ...sealed,
    isDelivered,
    subscriptionId,
    paymentIntentId,
  ];
}
