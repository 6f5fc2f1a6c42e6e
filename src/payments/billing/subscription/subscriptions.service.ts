import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { DomainError } from '../../../common/errors.js';
import type { SubscriptionView } from '../../ledger/lists/ledger-lists.statements.js';
import { StripeObject } from '../../ledger/read/stripe-object.js';
import { planItemOf } from '../../ledger/merge/subscription.js';
import {
  withBuyersErrors,
  isMetered,
  isMissing,
  isUncertain,
  priceNotUsable,
  unknownPrice,
} from '../billing.errors.js';
import { assertObject, type Buyer } from '../buyer.guard.js';
import { CustomersService } from '../customers/customers.service.js';
import { endOfPeriod, type SubscriptionNow, SubscriptionsAtStripe } from './subscriptions-at-stripe.js';
import { MyBillingRepository } from './my-billing.repository.js';
import type { Customer } from '../customers/stripe-customers.repository.js';

export const PRORATIONS = ['create_prorations', 'none', 'always_invoice'] as const;
type Proration = (typeof PRORATIONS)[number];

/** Operations of an end user on a subscription. Stripe's answers are written to the ledger at once. */
@Injectable()
export class SubscriptionsService {
  constructor(
    private readonly billing: MyBillingRepository,
    private readonly atStripe: SubscriptionsAtStripe,
    private readonly customers: CustomersService,
  ) {}

  /** @returns `undefined` for a buyer who never had a subscription */
  find(buyer: Buyer): Promise<SubscriptionView | undefined> {
    return this.billing.findSubscription(buyer);
  }

  /**
   * Asks Stripe whether the buyer has an active or trialing subscription, because the ledger may be stale.
   */
  async isSubscribed(buyer: Buyer, customer: Customer | undefined): Promise<boolean> {
    const rows = await this.billing.listSubscriptions(buyer);
    const { found, missing } = await this.#lookUp(
      buyer,
      rows.filter((row) => !hasEnded(row)),
    );
    for (const each of found) await this.atStripe.record(buyer, each);
    await this.#recordGone(buyer, missing, customer);
    if (found.some(({ subscription }) => isActive(subscription))) return true;
    const others = customer ? await this.atStripe.list(buyer, customer) : [];
    for (const other of others) await this.atStripe.record(buyer, other);
    return others.some(({ subscription }) => isActive(subscription));
  }

  /**
   * @returns the subscription, and whether it was already cancelled
   * @throws DomainError `subscription_not_found`, `stripe_*`, `database_unavailable`
   */
  async cancel(
    buyer: Buyer,
    immediately: boolean,
  ): Promise<{ subscription: Stripe.Subscription; wasCancelled: boolean }> {
    return withBuyersErrors(async () => {
      const current = await this.#current(buyer);
      const { id, status } = current.subscription;
      // An incomplete subscription has no paid period at whose end it could be cancelled.
      const isNow = immediately || status === 'incomplete';
      const isCancelled = (now: Stripe.Subscription) => hasEnded(now) || (!isNow && endsWithPeriod(now));
      if (isCancelled(current.subscription))
        return { subscription: await this.atStripe.record(buyer, current), wasCancelled: true };
      const cancel = () =>
        isNow
          ? this.atStripe.cancel(buyer, id)
          : this.atStripe.update(buyer, id, { cancel_at_period_end: true });
      return { subscription: await this.#change(buyer, current, cancel, isCancelled), wasCancelled: false };
    });
  }

  /**
   * Changes the price of the subscription. Its quantity and its other items stay.
   * @throws DomainError `subscription_not_found`, `price_not_usable`, `card_declined`, `stripe_*`,
   * `database_unavailable`
   */
  async changePlan(buyer: Buyer, priceId: string, proration: Proration): Promise<Stripe.Subscription> {
    const changed = await withBuyersErrors(async () => {
      const current = await this.#current(buyer);
      const hasPrice = ({ items }: Stripe.Subscription) =>
        items.data.some((item) => priceOf(item)?.id === priceId);
      const change = async () => {
        const { subscription } = current;
        if (hasEnded(subscription)) throw notFound();
        if (hasPrice(subscription)) throw priceNotUsable('The subscription is on this price already.');
        return this.#changePrice(buyer, subscription, priceId, proration);
      };
      return this.#change(buyer, current, change, hasPrice);
    });
    // Stripe may delay the change until an invoice is paid, in spite of `error_if_incomplete`.
    if (changed.pending_update && !changed.items.data.some((item) => priceOf(item)?.id === priceId))
      throw changePending();
    return changed;
  }

  async #changePrice(
    buyer: Buyer,
    { id, items: { data } }: Stripe.Subscription,
    price: string,
    proration: Proration,
  ) {
    const items = data.filter(priceOf);
    const item = items.length > 1 ? await itemToChange(buyer, items, price) : items[0];
    if (!item) throw notFound();
    const change = (quantity: { quantity?: number }) =>
      this.atStripe.update(buyer, id, {
        items: [{ id: item.id, price, ...quantity }],
        proration_behavior: proration,
        // Without it, the plan would change even if the payment fails.
        payment_behavior: 'error_if_incomplete',
      });
    try {
      return await change(item.quantity === undefined ? {} : { quantity: item.quantity });
    } catch (error) {
      if (isMetered(error)) return change({});
      throw error;
    }
  }

  /**
   * Changes a subscription and records the result. After an uncertain failure it asks Stripe for the current
   * state. If nothing was changed, it records the state before and rethrows.
   * @param change returns `undefined` if Stripe no longer has the subscription
   */
  async #change(
    buyer: Buyer,
    before: SubscriptionNow,
    change: () => Promise<Stripe.Subscription | undefined>,
    isDone: (subscription: Stripe.Subscription) => boolean,
  ): Promise<Stripe.Subscription> {
    const find = () => this.atStripe.find(buyer, before.subscription.id);
    try {
      const changed = await change();
      if (changed) return changed;
      const now = await find();
      if (!now) throw notFound();
      return await this.atStripe.record(buyer, now);
    } catch (error) {
      const after = isUncertain(error) ? await find().catch(() => undefined) : undefined;
      const now = await this.atStripe.record(buyer, after ?? before);
      if (!after || !isDone(now)) throw error;
      return now;
    }
  }

  /**
   * Reads the buyer's current subscription from Stripe. Unless the ledger knows an active one, the customer's
   * others are listed too.
   */
  async #current(buyer: Buyer): Promise<SubscriptionNow> {
    const { found, missing } = await this.#lookUp(buyer, await this.billing.listSubscriptions(buyer));
    const all = [...found];
    const hasActive = found.some(({ subscription }) => isActive(subscription));
    const customer = missing.length > 0 || !hasActive ? await this.customers.find(buyer) : undefined;
    await this.#recordGone(buyer, missing, customer);
    if (!hasActive) {
      const listed = customer ? await this.atStripe.list(buyer, customer) : [];
      all.push(
        ...listed.filter(({ subscription: { id } }) =>
          found.every(({ subscription }) => subscription.id !== id),
        ),
      );
    }
    all.sort(newestFirst);
    const current =
      all.find(({ subscription }) => isActive(subscription)) ??
      all.find(({ subscription }) => !hasEnded(subscription)) ??
      all[0];
    for (const other of all) if (other !== current) await this.atStripe.record(buyer, other);
    if (!current) throw notFound();
    return current;
  }

  /**
   * Reads the ledger's subscriptions from Stripe until one is active. Ended ones are read only if nothing
   * else was found.
   * @param rows active ones first
   */
  async #lookUp(
    buyer: Buyer,
    rows: readonly SubscriptionView[],
  ): Promise<{ found: SubscriptionNow[]; missing: SubscriptionView[] }> {
    const found: SubscriptionNow[] = [];
    const missing: SubscriptionView[] = [];
    for (const part of [rows.filter((row) => !hasEnded(row)), rows.filter(hasEnded)]) {
      for await (const { row, now } of this.atStripe.findEach(buyer, part)) {
        if (now) found.push(now);
        else missing.push(row);
        if (now && isActive(now.subscription)) break;
      }
      if (found.length > 0) break;
    }
    return { found, missing };
  }

  /**
   * Records that Stripe deleted subscriptions. Those of another customer may belong to another account, so
   * they stay.
   */
  async #recordGone(
    buyer: Buyer,
    missing: readonly SubscriptionView[],
    customer: Customer | undefined,
  ): Promise<void> {
    for (const { customerId, subscriptionId: id } of missing)
      if (customerId !== null && customerId === customer?.customerId)
        await this.atStripe.recordGone(buyer, id);
  }
}

/** Prefers items of the new price's product. The plan item among them is changed. */
async function itemToChange(
  buyer: Buyer,
  items: Stripe.SubscriptionItem[],
  priceId: string,
): Promise<Stripe.SubscriptionItem | undefined> {
  const price = await findPrice(buyer, priceId);
  const ofProduct = items.filter((item) => idOf(priceOf(item)?.product) === idOf(price.product));
  const candidates = ofProduct.length > 0 ? ofProduct : items;
  const plan = planItemOf(candidates.flatMap((item) => StripeObject.from(item) ?? []))?.id('id');
  return candidates.find(({ id }) => id === plan);
}

async function findPrice(buyer: Buyer, id: string): Promise<Stripe.Price> {
  try {
    const price = await buyer.stripe.make((stripe, options) =>
      stripe.prices.retrieve(id, undefined, options),
    );
    assertObject(price, 'price');
    return price;
  } catch (error) {
    throw isMissing(error) ? unknownPrice(error) : error;
  }
}

function newestFirst(
  { subscription: one }: SubscriptionNow,
  { subscription: other }: SubscriptionNow,
): number {
  return other.created - one.created;
}

function isActive({ status }: { status: string }): boolean {
  return status === 'active' || status === 'trialing';
}

function hasEnded({ status }: { status: string }): boolean {
  return status === 'canceled' || status === 'incomplete_expired';
}

/** Includes subscriptions that end sooner, whose end must not be postponed by another cancellation. */
function endsWithPeriod(subscription: Stripe.Subscription): boolean {
  const { cancel_at_period_end: isEnding, cancel_at: end } = subscription;
  return isEnding || (end !== null && end <= (endOfPeriod(subscription) ?? 0));
}

/** Old items have only a plan, and deleted ones have neither. */
function priceOf({
  price,
  plan,
}: {
  readonly price?: Stripe.Price | null;
  readonly plan?: Stripe.Plan | null;
}) {
  return price ?? plan ?? undefined;
}

function idOf(reference: string | { id: string } | null | undefined): string | undefined {
  return typeof reference === 'string' ? reference : reference?.id;
}

function changePending(): DomainError {
  return new DomainError(
    'change_pending',
    'Stripe changes the plan once an open invoice is paid; until then it stays as it is. Pay the invoice in the customer portal.',
  );
}

function notFound(): DomainError {
  return new DomainError('subscription_not_found', 'You have no subscription here.');
}
