import { Injectable } from '@nestjs/common';
import { DomainError, type ErrorCode } from '../../../common/errors.js';
import { isDatabaseUnavailable } from '../../../database/database-errors.js';
import { ForeignObject } from '../../ledger/read/foreign-object.js';
import type { LedgerChange } from '../../ledger/merge/ledger-change.js';
import { LedgerService } from '../../ledger/ledger.service.js';
import { retryIfStale } from '../../ledger/merge/observation.js';
import { type Subject, subjectOf } from '../../ledger/read/read-object.js';
import { Unreadable } from '../../ledger/read/stripe-object.js';
import { DeliveryNotes } from './delivery-notes.js';
import { EventPayloads } from './event-payloads.js';
import { isHandled } from '../handled-events.js';
import type { ReceivedEvent, Verdict } from './event-reader.js';
import { type Application, WebhookEventsRepository } from './webhook-events.repository.js';

export const HANDLED = ['applied', 'ignored', 'unreadable', 'duplicate'] as const;
export type Handled = (typeof HANDLED)[number];

const NOT_OURS = 'Nothing here depends on events of this type.';
const UNEXPECTED = 'Something went wrong on our side.';

/** Errors that the project's owner has to correct. Until then the event stays open. */
const FOR_THE_OWNER: readonly ErrorCode[] = [
  'stripe_key_refused',
  'stripe_permission_missing',
  'mode_not_configured',
  'config_deleted',
  'credential_unreadable',
];

/** Applies each event once. Events come from deliveries, replays and reconcile, and may come repeatedly. */
@Injectable()
export class EventHandlerService {
  readonly #running = new Map<string, Promise<Handled>>();

  constructor(
    private readonly ledger: LedgerService,
    private readonly events: WebhookEventsRepository,
    private readonly payloads: EventPayloads,
    private readonly notes: DeliveryNotes,
  ) {}

  /**
   * @returns the committed outcome.
   * @throws the reason of a failure, which is recorded as the event's
   * outcome; nothing else is stored
   */
  async handle(event: ReceivedEvent): Promise<Handled> {
    const key = `${event.projectId} ${event.mode} ${event.id}`;
    const running = this.#running.get(key);
    if (running) {
      // A concurrent delivery waits for the first, and is then counted as a duplicate without a call to
      // Stripe.
      await running;
      return this.#handle(event);
    }
    const handled = this.#handle(event);
    this.#running.set(key, handled);
    try {
      return await handled;
    } finally {
      this.#running.delete(key);
    }
  }

  /** Handles a stored event again. If it was applied before, applying it again changes nothing. */
  async handleAgain(event: ReceivedEvent): Promise<void> {
    const reason = this.#reasonToIgnore(event);
    if (reason !== undefined) return this.events.replaceOutcome(event, { outcome: 'ignored', reason });
    try {
      await this.#apply(event, (application) => this.events.applyAgain(event, application));
    } catch (error) {
      if (!isSettled(error)) throw error;
      if (error instanceof Unreadable)
        return this.events.failAgain(event, { outcome: 'unreadable', reason: error.message });
      await this.events.replaceOutcome(event, { outcome: 'ignored', reason: error.message });
    }
  }

  async #handle(event: ReceivedEvent): Promise<Handled> {
    const reason = this.#reasonToIgnore(event);
    if (reason !== undefined) return this.#ignore(event, reason);
    if (await this.events.countDuplicate(event)) return 'duplicate';
    try {
      const isNew = await this.#apply(event, (application) =>
        this.payloads.withCurrentKey(event, (payload) => this.events.apply(event, payload, application)),
      );
      return isNew ? 'applied' : 'duplicate';
    } catch (error) {
      if (error instanceof Unreadable) return this.#recordUnreadable(event, error.message);
      if (isSettled(error)) return this.#ignore(event, error.message);
      throw error;
    }
  }

  async #ignore(event: ReceivedEvent, reason: string): Promise<Handled> {
    const verdict: Verdict = { outcome: 'ignored', reason };
    const isNew = await this.payloads.withCurrentKey(event, (payload) =>
      this.events.settle(event, verdict, payload),
    );
    return isNew ? 'ignored' : 'duplicate';
  }

  /**
   * Not settled: every delivery and replay reads the event again, since a later version may know its form.
   */
  async #recordUnreadable(event: ReceivedEvent, reason: string): Promise<Handled> {
    await this.payloads.withCurrentKey(event, (payload) =>
      this.events.fail(event, { outcome: 'unreadable', reason }, payload),
    );
    return 'unreadable';
  }

  #reasonToIgnore({ ignoredBecause, type }: ReceivedEvent): string | undefined {
    return ignoredBecause ?? (isHandled(type) ? undefined : NOT_OURS);
  }

  async #apply<T>(event: ReceivedEvent, write: (application: Application) => Promise<T>): Promise<T> {
    if (event.unreadableField !== undefined) throw new Unreadable(event.unreadableField);
    try {
      if (event.accountError) throw event.accountError;
      return await retryIfStale(async () => {
        try {
          const change = await this.ledger.prepare(event);
          return await write({ subject: subjectIn(event, change), apply: () => this.ledger.apply(change) });
        } catch (error) {
          if (error instanceof ForeignObject) await this.ledger.recordForeign(event, error);
          throw error;
        }
      });
    } catch (error) {
      if (!isSettled(error)) await this.#recordFailure(event, error);
      throw error;
    }
  }

  /** Uses a transaction of its own, because the event's was rolled back. */
  async #recordFailure(event: ReceivedEvent, error: unknown): Promise<void> {
    const verdict = verdictOn(error);
    if (isDatabaseUnavailable(error)) return this.notes.failed(event, verdict);
    await this.payloads
      .withCurrentKey(event, (payload) => this.events.fail(event, verdict, payload))
      .catch(() => this.notes.failed(event, verdict));
  }
}

/** Whether a retry of the event would have the same result. */
function isSettled(error: unknown): error is Unreadable | ForeignObject {
  return error instanceof Unreadable || error instanceof ForeignObject;
}

/** Stripe may have been asked for ids that the payload lacks. Of several payments of an invoice, the first. */
function subjectIn(
  { object }: ReceivedEvent,
  { subscription, party, payments, dispute }: LedgerChange,
): Subject {
  const named = subjectOf(object);
  const [payment] = payments;
  return {
    subscriptionId: subscription?.subscriptionId ?? party.subscriptionId ?? named.subscriptionId,
    paymentIntentId: payment?.paymentIntentId ?? dispute?.paymentIntentId ?? named.paymentIntentId,
  };
}

function verdictOn(error: unknown): Verdict {
  if (!(error instanceof DomainError)) return { outcome: 'failed', reason: UNEXPECTED };
  return { outcome: FOR_THE_OWNER.includes(error.code) ? 'open' : 'failed', reason: error.message };
}
