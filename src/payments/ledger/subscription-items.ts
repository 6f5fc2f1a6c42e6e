import type { StripeObject } from './stripe-object.js';

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
  return { start: object.time('current_period_start') ?? null, end: object.time('current_period_end') ?? null };
}

/** A price says so below `recurring`, a plan by itself. */
function isMetered(item: StripeObject): boolean {
  const usage = [item.object('price')?.object('recurring'), item.object('plan')];
  return usage.some((each) => each?.text('usage_type', MAX_USAGE_TYPE_LENGTH) === 'metered');
}
