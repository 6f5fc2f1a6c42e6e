import { Injectable, Logger } from '@nestjs/common';
import type Stripe from 'stripe';
import { DomainError } from '../../common/errors.js';
import type { SubscriptionRow } from '../ledger/dto/subscription.response.js';
import { LedgerService } from '../ledger/ledger.service.js';
import { inBuyersWords, isMissing, priceNotUsable } from './billing-failure.js';
import type { Buyer } from './buyer.js';
import { MySubscriptionsRepository } from './my-subscriptions.repository.js';
import { answeredAt, assertObject } from './stripe-answers.js';
import type { Customer } from './stripe-customers.repository.js';

export const PRORATIONS = ['create_prorations', 'none', 'always_invoice'] as const;
type Proration = (typeof PRORATIONS)[number];

const SUBSCRIBED = ['active', 'trialing'];
const ENDED = ['canceled', 'incomplete_expired'];

/** What an end user may do with a subscription. What Stripe answers is written to the ledger at once. */
@Injectable()
export class SubscriptionsService {
  readonly #logger = new Logger(SubscriptionsService.name);

  constructor(
    private readonly subscriptions: MySubscriptionsRepository,
    private readonly ledger: LedgerService,
  ) {}

  /** @returns `undefined` for a buyer who never had one */
  find(buyer: Buyer): Promise<SubscriptionRow | undefined> {
    return this.subscriptions.findCurrent(buyer);
  }

  /** Whether the buyer has an active or trialing subscription: as Stripe says now, since what it has sent us may be late. */
  async isSubscribed(buyer: Buyer, customer: Customer | undefined): Promise<boolean> {
    const known = await this.subscriptions.findCurrent(buyer);
    if (known && SUBSCRIBED.includes(known.status) && SUBSCRIBED.includes((await this.#retrieve(buyer, known))?.status ?? '')) return true;
    const list = customer && (await listOf(buyer, customer));
    const active = list?.data.filter(({ status }) => SUBSCRIBED.includes(status)) ?? [];
    if (list) for (const subscription of active) await this.#record(buyer, subscription, answeredAt(list));
    return active.length > 0;
  }

  /**
   * @returns the subscription, and whether it had been cancelled in this way before
   * @throws DomainError `subscription_not_found`, `stripe_*`, `database_unavailable`
   */
  async cancel(buyer: Buyer, immediately: boolean): Promise<{ subscription: Stripe.Subscription; wasCancelled: boolean }> {
    return inBuyersWords(async () => {
      const subscription = await this.#current(buyer);
      const { id, status, cancel_at_period_end: isEnding } = subscription;
      if (ENDED.includes(status) || (isEnding && !immediately)) return { subscription, wasCancelled: true };
      // One whose first payment is still due has no period that could end.
      const isOver = immediately || status === 'incomplete';
      return { subscription: await (isOver ? this.#end(buyer, id) : this.#endWithPeriod(buyer, id)), wasCancelled: false };
    });
  }

  /**
   * Puts the subscription on another price, and leaves its quantity and its other items as they are.
   * @throws DomainError `subscription_not_found`, `price_not_usable`, `card_declined`, `stripe_*`, `database_unavailable`
   */
  async changePlan(buyer: Buyer, priceId: string, proration: Proration): Promise<Stripe.Subscription> {
    return inBuyersWords(async () => {
      const subscription = await this.#current(buyer);
      if (ENDED.includes(subscription.status)) throw notFound();
      const { data: items } = subscription.items;
      if (items.some(({ price }) => price.id === priceId)) throw priceNotUsable('The subscription is on this price already.');
      const price = await retrievePrice(buyer, priceId);
      if (!price.active) throw priceNotUsable('This price is no longer offered.');
      if (!price.recurring) throw priceNotUsable('This price is for a single payment; a subscription needs a recurring one.');
      const item = items.find((one) => idOf(one.price.product) === idOf(price.product)) ?? items[0];
      if (!item) throw notFound();
      const isCounted = price.recurring.usage_type === 'licensed' && item.quantity !== undefined;
      const change: Stripe.SubscriptionUpdateParams = {
        items: [{ id: item.id, price: priceId, ...(isCounted && { quantity: item.quantity }) }],
        proration_behavior: proration,
        // Else the plan would change and the payment stay due.
        payment_behavior: 'error_if_incomplete',
      };
      return this.#recorded(
        buyer,
        buyer.stripe.make((stripe, options) => stripe.subscriptions.update(subscription.id, change, options)),
      );
    });
  }

  async #end(buyer: Buyer, id: string): Promise<Stripe.Subscription> {
    try {
      return await this.#recorded(
        buyer,
        buyer.stripe.make((stripe, options) => stripe.subscriptions.cancel(id, {}, options)),
      );
    } catch (error) {
      // The answer to an earlier attempt was lost, or somebody else was quicker.
      if (isMissing(error)) return this.#current(buyer);
      throw error;
    }
  }

  #endWithPeriod(buyer: Buyer, id: string): Promise<Stripe.Subscription> {
    return this.#recorded(
      buyer,
      buyer.stripe.make((stripe, options) => stripe.subscriptions.update(id, { cancel_at_period_end: true }, options)),
    );
  }

  /** The buyer's subscription as it is at Stripe now. */
  async #current(buyer: Buyer): Promise<Stripe.Subscription> {
    const known = await this.subscriptions.findCurrent(buyer);
    const subscription = known && (await this.#retrieve(buyer, known));
    if (!subscription) throw notFound();
    return subscription;
  }

  /** @returns `undefined` when Stripe has no such subscription: it is of another account */
  async #retrieve(buyer: Buyer, { subscription_id: id }: SubscriptionRow): Promise<Stripe.Subscription | undefined> {
    try {
      return await this.#recorded(
        buyer,
        buyer.stripe.make((stripe, options) => stripe.subscriptions.retrieve(id, undefined, options)),
      );
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #recorded(buyer: Buyer, answer: Promise<Stripe.Response<Stripe.Subscription>>): Promise<Stripe.Subscription> {
    const subscription = await answer;
    assertObject(subscription, 'subscription');
    await this.#record(buyer, subscription, answeredAt(subscription));
    return subscription;
  }

  /** What Stripe did is done: if it can't be written now, its event brings it. */
  async #record({ projectId, mode, stripe }: Buyer, subscription: Stripe.Subscription, asOf: Date): Promise<void> {
    await stripe
      .make(() => this.ledger.record(projectId, mode, subscription, asOf))
      .catch(() => {
        this.#logger.warn(`What Stripe answered about ${subscription.id} of project ${projectId} could not be written to the ledger.`);
      });
  }
}

/** @returns `undefined` when Stripe no longer has the customer */
async function listOf(buyer: Buyer, { id: customer }: Customer): Promise<Stripe.Response<Stripe.ApiList<Stripe.Subscription>> | undefined> {
  try {
    const list = await buyer.stripe.make((stripe, options) => stripe.subscriptions.list({ customer, limit: 100 }, options));
    assertObject(list, 'list');
    return list;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function retrievePrice(buyer: Buyer, id: string): Promise<Stripe.Price> {
  try {
    const price = await buyer.stripe.make((stripe, options) => stripe.prices.retrieve(id, undefined, options));
    assertObject(price, 'price');
    return price;
  } catch (error) {
    throw isMissing(error) ? priceNotUsable('There is no price with this id in this mode.', error) : error;
  }
}

function idOf(reference: string | { id: string }): string {
  return typeof reference === 'string' ? reference : reference.id;
}

function notFound(): DomainError {
  return new DomainError('subscription_not_found', 'You have no subscription here.');
}
