import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { DomainError } from '../../common/errors.js';
import type { SubscriptionRow } from '../ledger/dto/subscription.response.js';
import { inBuyersWords, isMetered, isMissing, priceNotUsable, unknownPrice } from './billing-failure.js';
import type { Buyer } from './buyer.js';
import { CustomersService } from './customers.service.js';
import { MySubscriptionsRepository } from './my-subscriptions.repository.js';
import { assertObject } from './stripe-answers.js';
import type { Customer } from './stripe-customers.repository.js';
import { type SubscriptionNow, SubscriptionsAtStripe } from './subscriptions-at-stripe.js';

export const PRORATIONS = ['create_prorations', 'none', 'always_invoice'] as const;
type Proration = (typeof PRORATIONS)[number];

/** What an end user may do with a subscription. What Stripe answers is written to the ledger at once. */
@Injectable()
export class SubscriptionsService {
  constructor(
    private readonly subscriptions: MySubscriptionsRepository,
    private readonly atStripe: SubscriptionsAtStripe,
    private readonly customers: CustomersService,
  ) {}

  /** @returns `undefined` for a buyer who never had one */
  find(buyer: Buyer): Promise<SubscriptionRow | undefined> {
    return this.subscriptions.findCurrent(buyer);
  }

  /** Whether the buyer has an active or trialing subscription: as Stripe says now, since what it has sent us may be late. */
  async isSubscribed(buyer: Buyer, customer: Customer | undefined): Promise<boolean> {
    const known = await this.subscriptions.findCurrent(buyer);
    const current = known && isActive(known) ? await this.atStripe.find(buyer, known.subscription_id) : undefined;
    if (current && isActive(await this.atStripe.note(buyer, current))) return true;
    const others = customer ? await this.atStripe.list(buyer, customer) : [];
    const active = others.filter(({ subscription }) => isActive(subscription));
    for (const other of active) await this.atStripe.note(buyer, other);
    return active.length > 0;
  }

  /**
   * @returns the subscription, and whether it had been cancelled in this way before
   * @throws DomainError `subscription_not_found`, `stripe_*`, `database_unavailable`
   */
  async cancel(buyer: Buyer, immediately: boolean): Promise<{ subscription: Stripe.Subscription; wasCancelled: boolean }> {
    return inBuyersWords(async () => {
      const current = await this.#current(buyer);
      const { id, status, cancel_at_period_end: isEnding } = current.subscription;
      if (hasEnded(current.subscription) || (isEnding && !immediately))
        return { subscription: await this.atStripe.note(buyer, current), wasCancelled: true };
      // One whose first payment is still due has no period that could end.
      if (!immediately && status !== 'incomplete')
        return { subscription: await this.atStripe.update(buyer, id, { cancel_at_period_end: true }), wasCancelled: false };
      const ended = await this.atStripe.end(buyer, id);
      // Else it has ended in between, or the answer to a first attempt was lost.
      return { subscription: ended ?? (await this.atStripe.note(buyer, await this.#current(buyer))), wasCancelled: false };
    });
  }

  /**
   * Puts the subscription on another price, and leaves its quantity and its other items as they are.
   * @throws DomainError `subscription_not_found`, `price_not_usable`, `card_declined`, `stripe_*`, `database_unavailable`
   */
  async changePlan(buyer: Buyer, priceId: string, proration: Proration): Promise<Stripe.Subscription> {
    return inBuyersWords(async () => {
      const { subscription } = await this.#current(buyer);
      if (hasEnded(subscription)) throw notFound();
      const { data: items } = subscription.items;
      if (items.some(({ price }) => price.id === priceId)) throw priceNotUsable('The subscription is on this price already.');
      const item = items.length > 1 ? await itemToChange(buyer, items, priceId) : items[0];
      if (!item) throw notFound();
      const change = (quantity: { quantity?: number }) =>
        this.atStripe.update(buyer, subscription.id, {
          items: [{ id: item.id, price: priceId, ...quantity }],
          proration_behavior: proration,
          // Else the plan would change and the payment stay due.
          payment_behavior: 'error_if_incomplete',
        });
      try {
        return await change(item.quantity === undefined ? {} : { quantity: item.quantity });
      } catch (error) {
        if (isMetered(error)) return change({});
        throw error;
      }
    });
  }

  /** The buyer's subscription as it is at Stripe now: the one that the ledger has, or one that it has not heard of yet. */
  async #current(buyer: Buyer): Promise<SubscriptionNow> {
    const known = await this.subscriptions.findCurrent(buyer);
    const current = known && (await this.atStripe.find(buyer, known.subscription_id));
    if (current && !hasEnded(current.subscription)) return current;
    const customer = await this.customers.find(buyer);
    const others = customer ? await this.atStripe.list(buyer, customer) : [];
    const found = others.find(({ subscription }) => isActive(subscription)) ?? others[0] ?? current;
    if (!found) throw notFound();
    return found;
  }
}

/** Of several items the one of the price's product, else the first. */
async function itemToChange(buyer: Buyer, items: Stripe.SubscriptionItem[], priceId: string): Promise<Stripe.SubscriptionItem | undefined> {
  const price = await findPrice(buyer, priceId);
  return items.find((item) => idOf(item.price.product) === idOf(price.product)) ?? items[0];
}

async function findPrice(buyer: Buyer, id: string): Promise<Stripe.Price> {
  try {
    const price = await buyer.stripe.make((stripe, options) => stripe.prices.retrieve(id, undefined, options));
    assertObject(price, 'price');
    return price;
  } catch (error) {
    throw isMissing(error) ? unknownPrice(error) : error;
  }
}

function isActive({ status }: { status: string }): boolean {
  return status === 'active' || status === 'trialing';
}

function hasEnded({ status }: { status: string }): boolean {
  return status === 'canceled' || status === 'incomplete_expired';
}

function idOf(reference: string | { id: string }): string {
  return typeof reference === 'string' ? reference : reference.id;
}

function notFound(): DomainError {
  return new DomainError('subscription_not_found', 'You have no subscription here.');
}
