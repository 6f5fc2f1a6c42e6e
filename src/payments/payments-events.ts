import { randomUUID } from 'node:crypto';
import { Injectable, Logger, Module } from '@nestjs/common';
import type { EndUserId, OwnerId, ProjectId } from '../common/ids.js';
import { EVENT_TYPES, type EventType } from './events/event-types.js';
import type { ProjectMode, StripeMode } from './stripe/stripe-mode.js';

/** Times are RFC 3339 in UTC with milliseconds. `id` is ours, the other ids are Stripe's. */
export interface LedgerSubscription {
  readonly id: string;
  /** Grows with each change of the row. */
  readonly version: number;
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
  /** `null` if the subscription is not paused. */
  readonly pause: {
    readonly behavior: string | null;
    readonly resumesAt: string | null;
    readonly reason: string | null;
  } | null;
  readonly createdAt: string;
}

/** `id` and `subscriptionId` are ours. Amounts are in minor units. */
export interface LedgerPayment {
  readonly id: string;
  /** Grows with each change of the row. */
  readonly version: number;
  readonly paymentIntentId: string;
  readonly userId: EndUserId | null;
  readonly customerId: string | null;
  readonly subscriptionId: string | null;
  readonly status: string;
  readonly amountCents: number;
  readonly currency: string;
  /** Who collected the money. `out_of_band`: paid outside of Stripe. */
  readonly source: 'stripe' | 'out_of_band';
  readonly refundedAmountCents: number;
  readonly description: string | null;
  readonly createdAt: string;
}

/** `id` is ours, the other ids are Stripe's. */
export interface LedgerDispute {
  readonly id: string;
  /** Grows with each change of the row. */
  readonly version: number;
  readonly disputeId: string;
  /** Matches `paymentIntentId` of the payment. */
  readonly paymentIntentId: string | null;
  readonly status: string;
  readonly reason: string | null;
  readonly amountCents: number;
  readonly currency: string;
  readonly createdAt: string;
}

/** An event that concerns both modes. */
interface WholeProject {
  readonly projectId: ProjectId;
  readonly mode: null;
}

/** `fields` are names of credentials. */
interface ChangedConfig {
  readonly projectId: ProjectId;
  readonly config: { readonly version: number; readonly fields: readonly string[] };
}

interface ChangedMembers extends WholeProject {
  /** `subject` is the `sub` of the person's access tokens. */
  readonly member: { readonly subject: OwnerId; readonly role: 'viewer' | 'admin' | 'owner' };
}

interface AboutEndpoint extends ProjectMode {
  /** Stripe's id; `null` for an endpoint that was not made here. */
  readonly endpoint: { readonly id: string | null };
}

/** `projectId` is `null` for a destination of the operator. */
interface AboutDestination {
  readonly projectId: ProjectId | null;
  readonly mode: null;
  readonly destination: {
    readonly id: string;
    readonly version: number;
    readonly description: string | null;
    readonly failingSince: string | null;
  };
}

/** Events as they are stored, without the versions that the store adds. */
interface NewEventMap extends Record<EventType, object> {
  /** Sent for a subscription that is seen for the first time. */
  'subscription.created': ProjectMode & { readonly subscription: LedgerSubscription };
  /** Sent for a change in a subscription that is neither new nor ends with it. */
  'subscription.updated': ProjectMode & { readonly subscription: LedgerSubscription };
  /** Sent when the status becomes `canceled` or `incomplete_expired`, which are final. */
  'subscription.ended': ProjectMode & { readonly subscription: LedgerSubscription };
  /** Sent when Stripe announces the end of a trial. `currentPeriodEnd` is the end of the trial. */
  'subscription.trial_ending': ProjectMode & { readonly subscription: LedgerSubscription };
  /** Sent when a payment succeeds, and for later changes except a better time or a larger refund. */
  'payment.succeeded': ProjectMode & { readonly payment: LedgerPayment };
  /** Sent when an attempt fails or the payment is cancelled, and for later changes except a better time. */
  'payment.failed': ProjectMode & { readonly payment: LedgerPayment };
  /** Sent when the refunded amount grows, by `refundedNowCents`. */
  'payment.refunded': ProjectMode & { readonly payment: LedgerPayment; readonly refundedNowCents: number };
  /**
   * Sent when a dispute is opened or changes its status. `payment` is `null` while the ledger doesn't have
   * the payment.
   */
  'payment.disputed': ProjectMode & {
    readonly dispute: LedgerDispute;
    readonly payment: LedgerPayment | null;
  };
  /** Sent after `payment.disputed` when the dispute is won, lost, or closed as a warning. */
  'payment.dispute_closed': ProjectMode & {
    readonly dispute: LedgerDispute;
    readonly payment: LedgerPayment | null;
  };
  /** Sent when credentials are stored, or some of them destroyed. */
  'config.updated': ChangedConfig & { readonly mode: StripeMode | null };
  'config.deleted': ChangedConfig & { readonly mode: null };
  /**
   * Sent when Stripe refuses a stored secret key for the first time since the key was stored or last
   * accepted.
   */
  'credentials.invalid': ProjectMode & { readonly reason: string };
  /** Sent when Stripe accepts the secret key of a mode whose last known key it refused. */
  'credentials.recovered': ProjectMode;
  /** Sent when a check finds that the endpoint made here doesn't bring events any more. */
  'endpoint.disabled': AboutEndpoint & { readonly problem: EndpointProblem };
  /** Sent when the endpoint works again. */
  'endpoint.recovered': AboutEndpoint;
  /** Sent when a tenant connects Stripe on the page of a connect link. `state` was given with the link. */
  'connect.completed': ProjectMode & {
    readonly connectLink: { readonly id: string; readonly state: string | null };
    /** Why the key is stored but there is no webhook endpoint. */
    readonly endpointProblem: string | null;
  };
  /** Sent when a webhook secret that a new one replaced is still in use, and ends within a day. */
  'credentials.expiring': ProjectMode & {
    readonly webhookSecret: { readonly validUntil: string; readonly lastUsedAt: string };
  };
  /**
   * Sent when a project that usually gets events has got none for long, and reconcile found events of Stripe that
   * never arrived. `endpoint.id` is `null` for an endpoint that was not made here.
   */
  'endpoint.silent': ProjectMode & {
    readonly endpoint: { readonly id: string | null };
    readonly lastEventAt: string;
    readonly missedEvents: number;
  };
  /** Sent when deliveries in a row are refused for their signature. */
  'signatures.failing': ProjectMode & {
    readonly cause: SignatureCause;
    readonly failures: number;
    readonly since: string;
  };
  /** Sent when reconcile applied events that had never arrived, or corrected subscriptions. */
  'reconcile.repaired': ProjectMode & {
    readonly reconcile: {
      readonly since: string;
      readonly missedEvents: number;
      readonly repairedSubscriptions: number;
    };
  };
  /** Sent when somebody joins a project, also as its owner. */
  'member.added': ChangedMembers;
  'member.removed': ChangedMembers;
  /** Sent when every attempt failed for one day, and again after three days. */
  'destination.failing': AboutDestination;
  'destination.disabled': AboutDestination & { readonly reason: DisabledReason };
  /** Sent for `POST …/test`. */
  'destination.test': AboutDestination;
}

/** Stripe doesn't have the endpoint, disabled it, or sends to another URL, not all events, or an old version. */
export const ENDPOINT_PROBLEMS = [
  'missing',
  'disabled',
  'other_url',
  'missing_events',
  'old_version',
] as const;
export type EndpointProblem = (typeof ENDPOINT_PROBLEMS)[number];

/** Why signatures probably fail: the secret is another one, that of the other mode, or a proxy changes bodies. */
export const SIGNATURE_CAUSES = ['wrong_secret', 'other_mode', 'changed_body'] as const;
export type SignatureCause = (typeof SIGNATURE_CAUSES)[number];

/** `gone`: the receiver answered 410. `failing`: it failed for five days. */
export type DisabledReason = 'gone' | 'failing';

/**
 * Outcome of a call: `refused` is a 4xx, `failed` a 5xx or a response that isn't Stripe's, `unreachable` no
 * response.
 */
export const STRIPE_CALL_OUTCOMES = [
  'succeeded',
  'refused',
  'rate_limited',
  'failed',
  'unreachable',
] as const;
export type StripeCallOutcome = (typeof STRIPE_CALL_OUTCOMES)[number];

/**
 * `unreadable`: the payload has an unknown form. `refused`: the signature is not valid for this project.
 * `failed`: Stripe must retry.
 */
export const WEBHOOK_OUTCOMES = [
  'applied',
  'ignored',
  'unreadable',
  'duplicate',
  'refused',
  'failed',
] as const;
export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];

/** Results of an attempt to deliver an event to a destination. */
export const ATTEMPT_RESULTS = ['delivered', 'failed'] as const;

/** Events sent once, to listeners of the same process. They are lost if that process dies. */
export interface ProcessEventMap {
  'stripe.called': { readonly outcome: StripeCallOutcome };
  'webhook.received': { readonly outcome: WebhookOutcome };
  'delivery.attempted': { readonly result: (typeof ATTEMPT_RESULTS)[number] };
  /** Sent for each answer of the gateway to a known key. `resource` is `*` for an operation it does not know. */
  'gateway.answered': {
    readonly resource: string;
    readonly action: string;
    readonly status: number;
    readonly mode: StripeMode;
  };
}

/** The version of an object that has no other: the time of the event in microseconds, which grows. */
type TimedVersion<Name extends EventType> = (typeof EVENT_TYPES)[Name] extends {
  readonly timed: infer Field extends string;
}
  ? { readonly [Object in Field]: { readonly version: number } }
  : unknown;

/**
 * Events stored in the transaction of the change. Each is delivered even after a crash, and again until no
 * listener fails, for at most 30 days. `docs/using-from-modules.md` lists when each is sent.
 */
export type DurableEventMap = { [Name in EventType]: NewEventMap[Name] & TimedVersion<Name> };
export type PaymentsEventMap = DurableEventMap & ProcessEventMap;
export type DurableEventName = keyof DurableEventMap;
export type ProcessEventName = keyof ProcessEventMap;

/** A durable event with its name, to be stored. */
export type DurableEvent = {
  [Name in DurableEventName]: readonly [name: Name, event: NewEventMap[Name]];
}[DurableEventName];

export const DURABLE_EVENTS: readonly DurableEventName[] = Object.keys(EVENT_TYPES) as EventType[];
const PROCESS_EVENTS: readonly ProcessEventName[] = [
  'stripe.called',
  'webhook.received',
  'delivery.attempted',
  'gateway.answered',
];

export interface Delivery {
  /** Equal for all attempts of one event. */
  readonly eventId: string;
  /** Starts at 1. */
  readonly attempt: number;
}

export type PaymentsListener<Name extends keyof PaymentsEventMap> = (
  event: PaymentsEventMap[Name],
  delivery: Delivery,
) => void | Promise<void>;

/** Event bus of the payments modules. A failing listener doesn't affect the others. */
@Injectable()
export class PaymentsEvents {
  readonly #logger = new Logger(PaymentsEvents.name);
  readonly #listeners = Object.fromEntries(
    [...DURABLE_EVENTS, ...PROCESS_EVENTS].map((name) => [name, []]),
  ) as unknown as { [Name in keyof PaymentsEventMap]: PaymentsListener<Name>[] };

  on<Name extends keyof PaymentsEventMap>(name: Name, listener: PaymentsListener<Name>): void {
    this.#listeners[name].push(listener);
  }

  hasListener(name: DurableEventName): boolean {
    return this.#listeners[name].length > 0;
  }

  /** Sends an event that is not durable. A failed listener is logged. */
  emit<Name extends ProcessEventName>(name: Name, event: PaymentsEventMap[Name]): void {
    const listeners: PaymentsListener<Name>[] = this.#listeners[name];
    if (listeners.length === 0) return;
    const delivery = { eventId: randomUUID(), attempt: 1 };
    for (const listener of listeners) {
      const call = async () => listener(event, delivery);
      call().catch(() => this.#logger.error(`A listener for ${name} failed.`));
    }
  }

  /**
   * @param payload JSON, parsed once per listener, so that none sees another's changes
   * @returns whether every listener succeeded
   */
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

/** Below all other modules of payments: each imports it to send or to receive events. */
@Module({ providers: [PaymentsEvents], exports: [PaymentsEvents] })
export class PaymentsEventsModule {}
