import { customerIdOf, required, type StripeObject } from '../read/stripe-object.js';
import type { StripeSubscriptionEntity } from '../store/ledger.entities.js';
import {
  decide,
  type Decision,
  later,
  type Observation,
  type StateOf,
  type StoredVersion,
} from './observation.js';

const MAX_USAGE_TYPE_LENGTH = 32;

interface Period {
  readonly start: Date | null;
  readonly end: Date | null;
}

/**
 * The period of the item that ends first; items without an end don't count. Until 2025-03-31 the subscription
 * itself had the period.
 */
export function periodOf(subscription: StripeObject): Period {
  const [first] = subscription
    .items('items')
    .map(periodIn)
    .filter(({ end }) => end !== null)
    .sort((one, other) => Number(one.end) - Number(other.end));
  return first ?? periodIn(subscription);
}

/**
 * The first item that is not metered, or else the first item. Deleted items have neither price nor plan and
 * don't count.
 */
export function planItemOf(items: readonly StripeObject[]): StripeObject | undefined {
  const priced = items.filter((item) => item.object('price') ?? item.object('plan'));
  return priced.find((item) => !isMetered(item)) ?? priced[0];
}

function periodIn(object: StripeObject): Period {
  return {
    start: object.time('current_period_start') ?? null,
    end: object.time('current_period_end') ?? null,
  };
}

/** A price has `usage_type` in `recurring`, an old plan at the top level. */
function isMetered(item: StripeObject): boolean {
  const usage = [item.object('price')?.object('recurring'), item.object('plan')];
  return usage.some((each) => each?.text('usage_type', MAX_USAGE_TYPE_LENGTH) === 'metered');
}

export const MAX_STATUS_LENGTH = 32;
const MAX_REASON_LENGTH = 64;
export const MAX_NAME_LENGTH = 255;
const MAX_QUANTITY = 2_147_483_647;

/** State of a subscription, and its user. */
export type OwnedSubscription = StateOf<StripeSubscriptionEntity, 'subscriptionId'>;
export type SubscriptionState = Omit<OwnedSubscription, 'userId'>;

/** A subscription as observed in an event or a response of Stripe. */
export interface SubscriptionFact extends SubscriptionState, Observation {
  readonly subscriptionId: string;
  /** Product whose name becomes the plan's name, if the price has none. */
  readonly productId?: string;
}

const COMPARED = [
  'customerId',
  'status',
  'priceId',
  'quantity',
  'currentPeriodStart',
  'currentPeriodEnd',
  'cancelAt',
  'cancelledAt',
  'endedAt',
  'pauseBehavior',
  'pauseResumesAt',
  'pauseReason',
] as const satisfies (keyof SubscriptionState)[];
const ALL_BUT_TIME = [...COMPARED, 'planName', 'createdAt'] as const satisfies (keyof SubscriptionState)[];

/**
 * Reads both generations of payload. For several items see `planItemOf` and `periodOf`.
 * @param type of the event: a deleted subscription has ended, even if its status says otherwise
 */
export function readSubscription(
  object: StripeObject,
  observed: Observation,
  type?: string,
): SubscriptionFact {
  const reported = required(object.text('status', MAX_STATUS_LENGTH), 'status');
  const status = type === 'customer.subscription.deleted' && !isEnded(reported) ? 'canceled' : reported;
  // Every subscription has items.
  const item = required(planItemOf(object.items('items')), 'items');
  const period = periodOf(object);
  const collection = object.object('pause_collection');
  const price = item.object('price') ?? required(item.object('plan'), 'plan');
  const product = price.expanded('product');
  // Before 2018 the plan itself had a name.
  const named = [
    price.text('nickname', MAX_NAME_LENGTH),
    product?.text('name', MAX_NAME_LENGTH),
    price.text('name', MAX_NAME_LENGTH),
  ];
  const planName = named.find((name) => name !== undefined) ?? null;
  const productId = price.id('product');
  return {
    ...observed,
    subscriptionId: required(object.id('id'), 'id'),
    status,
    customerId: customerIdOf(object),
    priceId: required(price.id('id'), 'price'),
    planName,
    // If the product was expanded and has no name, a request wouldn't find one either.
    ...(planName === null && productId !== undefined && !product && { productId }),
    quantity: Math.min(item.amount('quantity') ?? object.amount('quantity') ?? 1, MAX_QUANTITY),
    currentPeriodStart: period.start,
    currentPeriodEnd: period.end,
    cancelAt: isEnded(status)
      ? endOf(object)
      : (object.time('cancel_at') ?? (object.flag('cancel_at_period_end') ? period.end : null)),
    cancelledAt: object.time('canceled_at') ?? null,
    endedAt: object.time('ended_at') ?? null,
    // Required, since a pause without behavior would be invisible.
    pauseBehavior: collection
      ? required(collection.text('behavior', MAX_STATUS_LENGTH), 'pause_collection')
      : null,
    pauseResumesAt: collection?.time('resumes_at') ?? null,
    pauseReason: status === 'paused' ? pauseReasonOf(object) : null,
    createdAt: object.time('created') ?? object.time('start_date') ?? observed.asOf,
  };
}

/**
 * Before Stripe sent a reason, the only one was a trial that ended without a payment method, if
 * `trial_settings` asked for the pause.
 */
function pauseReasonOf(object: StripeObject): string | null {
  const observed = object
    .object('status_details')
    ?.object('paused')
    ?.object('subscription')
    ?.text('type', MAX_REASON_LENGTH);
  const atTrialEnd = object
    .object('trial_settings')
    ?.object('end_behavior')
    ?.text('missing_payment_method', MAX_STATUS_LENGTH);
  return observed ?? (atTrialEnd === 'pause' ? 'trial_end_without_payment_method' : null);
}

/** Planned end of a subscription that has ended. `null` if it ended before the planned time. */
function endOf(object: StripeObject): Date | null {
  const [planned, ended] = [object.time('cancel_at'), object.time('ended_at')];
  return planned && ended && planned <= ended ? planned : null;
}

/** A pause, as clients see it. */
export interface Pause<Time> {
  readonly behavior: string | null;
  readonly resumesAt: Time | null;
  readonly reason: string | null;
}

/** @returns `null` if neither the subscription nor its payment collection is paused */
export function pauseOf<Time>(status: string, pause: Pause<Time>): Pause<Time> | null {
  return pause.behavior !== null || status === 'paused' ? pause : null;
}

/** Final statuses: Stripe never reactivates the subscription. */
const ENDED = new Set(['canceled', 'incomplete_expired']);

/** Statuses in which the customer receives the service. */
export const ACTIVE_STATUSES: readonly string[] = ['active', 'trialing'];

export function isActive(status: string): boolean {
  return ACTIVE_STATUSES.includes(status);
}

export function isEnded(status: string): boolean {
  return ENDED.has(status);
}

/** State for a subscription that Stripe no longer has. No event will report its end. */
export function goneSubscription(
  stored: SubscriptionState,
  subscriptionId: string,
  asOf: Date,
): SubscriptionFact {
  return {
    ...stored,
    subscriptionId,
    status: 'canceled',
    cancelAt: null,
    cancelledAt: stored.cancelledAt ?? asOf,
    endedAt: asOf,
    asOf,
  };
}

export function decideSubscription(
  stored: (SubscriptionState & StoredVersion) | undefined,
  observed: SubscriptionFact,
): Decision {
  return decide(stored, observed, {
    rank: {
      stored: Number(stored !== undefined && isEnded(stored.status)),
      observed: Number(isEnded(observed.status)),
    },
    isSame: COMPARED.every((field) => stored?.[field]?.valueOf() === observed[field]?.valueOf()),
  });
}

/** Statuses in the usual order of the life cycle. */
const STAGES = ['incomplete', 'trialing', 'active', 'past_due', 'unpaid', 'paused'];

/**
 * Tie-break for two states with the same timestamp when Stripe can't be asked. Independent of arrival order.
 */
export function isLaterStage(observed: SubscriptionState, stored: SubscriptionState): boolean {
  const [one, other] = [observed, stored].map((state) => {
    const times = [state.currentPeriodStart, state.currentPeriodEnd, state.cancelledAt].map(
      (time) => time?.toISOString() ?? '',
    );
    return JSON.stringify([
      STAGES.indexOf(state.status) + 1,
      ...times,
      ...COMPARED.map((field) => state[field]),
    ]);
  });
  return String(one) > String(other);
}

/** Whether everything but the timestamp is equal. */
export function isUnchanged(stored: SubscriptionState, observed: SubscriptionFact): boolean {
  return ALL_BUT_TIME.every((field) => stored[field]?.valueOf() === observed[field]?.valueOf());
}

/** @returns the state to write */
export function mergeSubscription(
  stored: (SubscriptionState & StoredVersion) | undefined,
  observed: SubscriptionFact,
): SubscriptionState {
  if (!stored) return observed;
  return decideSubscription(stored, observed) === 'apply'
    ? { ...observed, asOf: later(observed.asOf, stored.asOf) }
    : stored;
}
