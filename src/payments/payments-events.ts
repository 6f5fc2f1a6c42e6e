import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import type { EndUserId } from '../common/ids.js';
import type { ProjectMode } from './project-mode.js';

/** Times are RFC 3339, UTC, milliseconds; `id` is ours, the other ids are Stripe's. */
export interface LedgerSubscription {
  readonly id: string;
  readonly subscriptionId: string;
  readonly userId: EndUserId | null;
  readonly customerId: string | null;
  readonly status: string;
  readonly priceId: string | null;
  readonly planName: string | null;
  readonly quantity: number;
  readonly currentPeriodStart: string | null;
  readonly currentPeriodEnd: string | null;
  readonly cancelAt: string | null;
  readonly cancelledAt: string | null;
  /** `null` for a subscription that is not paused. */
  readonly pause: {
    readonly behavior: string | null;
    readonly resumesAt: string | null;
    readonly reason: string | null;
  } | null;
  readonly createdAt: string;
}

/** `id` and `subscriptionId` are ours. Amounts are minor units. */
export interface LedgerPayment {
  readonly id: string;
  readonly paymentIntentId: string;
  readonly userId: EndUserId | null;
  readonly customerId: string | null;
  readonly subscriptionId: string | null;
  readonly status: string;
  readonly amountCents: number;
  readonly currency: string;
  /** Who collected the money. `out_of_band`: it was paid outside of Stripe. */
  readonly source: 'stripe' | 'out_of_band';
  readonly refundedAmountCents: number;
  readonly description: string | null;
  readonly createdAt: string;
}

/** `id` is ours, the other ids are Stripe's. */
export interface LedgerDispute {
  readonly id: string;
  readonly disputeId: string;
  /** Matches `paymentIntentId` of the payment. */
  readonly paymentIntentId: string | null;
  readonly status: string;
  readonly reason: string | null;
  readonly amountCents: number;
  readonly currency: string;
  readonly createdAt: string;
}

/**
 * Written to the outbox in the transaction that makes the change, and delivered after it at least once, across crashes: an event is
 * delivered again until no listener of it fails. `docs/using-from-modules.md` says when each is sent.
 */
export interface DurableEventMap {
  /** A subscription was seen for the first time. */
  'subscription.created': ProjectMode & { readonly subscription: LedgerSubscription };
  /** Anything in a subscription changed, and it is neither new nor newly ended. */
  'subscription.updated': ProjectMode & { readonly subscription: LedgerSubscription };
  /** A subscription reached a status that it never leaves: `canceled` or `incomplete_expired`. */
  'subscription.ended': ProjectMode & { readonly subscription: LedgerSubscription };
  /** A payment succeeded; sent again when anything else in it changes, but for its time and a larger refund. */
  'payment.succeeded': ProjectMode & { readonly payment: LedgerPayment };
  /** An attempt failed or the payment was cancelled; sent again when anything else in it changes, but for its time. */
  'payment.failed': ProjectMode & { readonly payment: LedgerPayment };
  /** More of a payment was refunded: `refundedNowCents` more than before. */
  'payment.refunded': ProjectMode & { readonly payment: LedgerPayment; readonly refundedNowCents: number };
  /** A dispute was opened or changed its status. `payment` is `null` while the ledger lacks it. */
  'payment.disputed': ProjectMode & {
    readonly dispute: LedgerDispute;
    readonly payment: LedgerPayment | null;
  };
}

/** Stripe's answer to a call: `refused` is a 4xx, `failed` a 5xx or no answer of Stripe's, `unreachable` no answer at all. */
export const STRIPE_CALL_OUTCOMES = [
  'succeeded',
  'refused',
  'rate_limited',
  'failed',
  'unreachable',
] as const;
export type StripeCallOutcome = (typeof STRIPE_CALL_OUTCOMES)[number];

/** `unreadable`: this version does not know the form; `refused`: not signed by Stripe for this project; `failed`: Stripe has to retry. */
export const WEBHOOK_OUTCOMES = [
  'applied',
  'ignored',
  'unreadable',
  'duplicate',
  'refused',
  'failed',
] as const;
export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];

/** Sent once, to the listeners of the process in which it happens; lost with that process. */
export interface ProcessEventMap {
  /** Stripe refused a project's stored secret key, for the first time since the key was stored or last accepted. */
  'credentials.invalid': ProjectMode & { readonly reason: string };
  'stripe.called': { readonly outcome: StripeCallOutcome };
  'webhook.received': { readonly outcome: WebhookOutcome };
}

export type PaymentsEventMap = DurableEventMap & ProcessEventMap;
export type DurableEventName = keyof DurableEventMap;
export type ProcessEventName = keyof ProcessEventMap;

/** A durable event with its name. */
export type DurableEvent = {
  [Name in DurableEventName]: readonly [name: Name, event: DurableEventMap[Name]];
}[DurableEventName];

export const DURABLE_EVENTS = [
  'subscription.created',
  'subscription.updated',
  'subscription.ended',
  'payment.succeeded',
  'payment.failed',
  'payment.refunded',
  'payment.disputed',
] as const satisfies DurableEventName[];

export interface Delivery {
  /** Stays when the event is delivered again. */
  readonly eventId: string;
  /** 1 for the first. */
  readonly attempt: number;
}

export type PaymentsListener<Name extends keyof PaymentsEventMap> = (
  event: PaymentsEventMap[Name],
  delivery: Delivery,
) => void | Promise<void>;

/** The event bus of payments. A listener that throws or rejects disturbs no other. */
@Injectable()
export class PaymentsEvents {
  readonly #logger = new Logger(PaymentsEvents.name);
  readonly #listeners: { [Name in keyof PaymentsEventMap]: PaymentsListener<Name>[] } = {
    'subscription.created': [],
    'subscription.updated': [],
    'subscription.ended': [],
    'payment.succeeded': [],
    'payment.failed': [],
    'payment.refunded': [],
    'payment.disputed': [],
    'credentials.invalid': [],
    'stripe.called': [],
    'webhook.received': [],
  };

  on<Name extends keyof PaymentsEventMap>(name: Name, listener: PaymentsListener<Name>): void {
    this.#listeners[name].push(listener);
  }

  hasListener(name: DurableEventName): boolean {
    return this.#listeners[name].length > 0;
  }

  /** Sends an event that is not kept: a failed listener is logged. */
  emit<Name extends ProcessEventName>(name: Name, event: PaymentsEventMap[Name]): void {
    const listeners: PaymentsListener<Name>[] = this.#listeners[name];
    if (listeners.length === 0) return;
    const delivery = { eventId: randomUUID(), attempt: 1 };
    for (const listener of listeners) {
      const call = async () => listener(event, delivery);
      call().catch(() => this.#logger.error(`A listener for ${name} failed.`));
    }
  }

  /** @param payload as JSON: each listener gets a copy of its own @returns whether every listener succeeded */
  async deliver<Name extends DurableEventName>(
    name: Name,
    payload: string,
    delivery: Delivery,
  ): Promise<boolean> {
    const call = async (listener: PaymentsListener<Name>) =>
      listener(JSON.parse(payload) as PaymentsEventMap[Name], delivery);
    const results = await Promise.allSettled(this.#listeners[name].map(call));
    return results.every(({ status }) => status === 'fulfilled');
  }
}
