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
 * The period of a subscription: that of the item which ends first, among the items that have an end. Until 2025-03-31 the period stood on
 * the subscription.
 */
export function periodOf(subscription: StripeObject): Period {
  const [first] = subscription
    .items('items')
    .map(periodIn)
    .filter(({ end }) => end !== null)
    .sort((one, other) => Number(one.end) - Number(other.end));
  return first ?? periodIn(subscription);
}

/** The item that is the plan: the first that is not metered, else the first. One that was deleted has neither price nor plan, and is none. */
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

/** A price says so below `recurring`, a plan by itself. */
function isMetered(item: StripeObject): boolean {
  const usage = [item.object('price')?.object('recurring'), item.object('plan')];
  return usage.some((each) => each?.text('usage_type', MAX_USAGE_TYPE_LENGTH) === 'metered');
}

export const MAX_STATUS_LENGTH = 32;
const MAX_REASON_LENGTH = 64;
export const MAX_NAME_LENGTH = 255;
const MAX_QUANTITY = 2_147_483_647;

/** What Stripe says of a subscription, and whose it is. */
export type OwnedSubscription = StateOf<StripeSubscriptionEntity, 'subscriptionId'>;
export type SubscriptionState = Omit<OwnedSubscription, 'userId'>;

/** A subscription as an event or an answer of Stripe tells it. */
export interface SubscriptionFact extends SubscriptionState, Observation {
  readonly subscriptionId: string;
  /** The product to ask for its name, where the plan has none. */
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
  'pauseBehavior',
  'pauseResumesAt',
  'pauseReason',
] as const satisfies (keyof SubscriptionState)[];
const ALL_BUT_TIME = [...COMPARED, 'planName', 'createdAt'] as const satisfies (keyof SubscriptionState)[];

/**
 * Reads both generations; of several items, `subscription-items.ts` says which counts.
 * @param type of the event: what was deleted is over, whatever the object says
 */
export function readSubscription(
  object: StripeObject,
  observed: Observation,
  type?: string,
): SubscriptionFact {
  const said = required(object.text('status', MAX_STATUS_LENGTH), 'status');
  const status = type === 'customer.subscription.deleted' && !isEnded(said) ? 'canceled' : said;
  // There is no subscription without items.
  const item = required(planItemOf(object.items('items')), 'items');
  const period = periodOf(object);
  const collection = object.object('pause_collection');
  const price = item.object('price') ?? required(item.object('plan'), 'plan');
  const product = price.expanded('product');
  // Before 2018 a plan had a name of its own.
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
    // A name that an expanded product does not have, no question would bring.
    ...(planName === null && productId !== undefined && !product && { productId }),
    quantity: Math.min(item.amount('quantity') ?? object.amount('quantity') ?? 1, MAX_QUANTITY),
    currentPeriodStart: period.start,
    currentPeriodEnd: period.end,
    cancelAt: isEnded(status)
      ? endOf(object)
      : (object.time('cancel_at') ?? (object.flag('cancel_at_period_end') ? period.end : null)),
    cancelledAt: object.time('canceled_at') ?? null,
    // Without it, the pause would not show.
    pauseBehavior: collection
      ? required(collection.text('behavior', MAX_STATUS_LENGTH), 'pause_collection')
      : null,
    pauseResumesAt: collection?.time('resumes_at') ?? null,
    pauseReason: status === 'paused' ? pauseReasonOf(object) : null,
    createdAt: object.time('created') ?? object.time('start_date') ?? observed.asOf,
  };
}

/** Before Stripe told a reason, a trial that ended without a payment method was the only one, for subscriptions that were set so. */
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

/** Of one that is over: when it was planned to be, unless that was for later. */
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

/** @returns `null` for a subscription that is not paused: neither its collection of payments nor all of it */
export function pauseOf<Time>(status: string, pause: Pause<Time>): Pause<Time> | null {
  return pause.behavior !== null || status === 'paused' ? pause : null;
}

/** Stripe brings no subscription back from these. */
const OVER = new Set(['canceled', 'incomplete_expired']);

export function isEnded(status: string): boolean {
  return OVER.has(status);
}

/** One that Stripe no longer has: it has ended, and nothing else is going to tell. */
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

/** Through which a subscription goes, as a rule. */
const STAGES = ['incomplete', 'trialing', 'active', 'past_due', 'unpaid', 'paused'];

/** Of two that were told of one second, which is further on, where Stripe has no answer: the same one whichever comes first. */
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

/** Whether it tells nothing that is not known already, were it of an earlier time. */
export function isUnchanged(stored: SubscriptionState, observed: SubscriptionFact): boolean {
  return ALL_BUT_TIME.every((field) => stored[field]?.valueOf() === observed[field]?.valueOf());
}

/** @returns the subscription as it is to be written */
export function mergeSubscription(
  stored: (SubscriptionState & StoredVersion) | undefined,
  observed: SubscriptionFact,
): SubscriptionState {
  if (!stored) return observed;
  return decideSubscription(stored, observed) === 'apply'
    ? { ...observed, asOf: later(observed.asOf, stored.asOf) }
    : stored;
}
