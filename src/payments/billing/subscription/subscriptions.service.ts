import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { DomainError } from '../../../common/errors.js';
import type { SubscriptionView } from '../../ledger/lists/ledger-lists.statements.js';
import { StripeObject } from '../../ledger/read/stripe-object.js';
import { planItemOf } from '../../ledger/merge/subscription.js';
import {
  inBuyersWords,
  isMetered,
  isMissing,
  isUncertain,
  priceNotUsable,
  unknownPrice,
} from '../billing.errors.js';
import { assertObject, type Buyer } from '../buyer.guard.js';
import { CustomersService } from '../customers/customers.service.js';
import { endOfPeriod, type SubscriptionNow, SubscriptionsAtStripe } from './subscriptions-at-stripe.js';
import { MySubscriptionsRepository } from './my-subscriptions.repository.js';
import type { Customer } from '../customers/stripe-customers.repository.js';

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
  find(buyer: Buyer): Promise<SubscriptionView | undefined> {
    return this.subscriptions.findCurrent(buyer);
  }

  /** Whether the buyer has an active or trialing subscription: as Stripe says now, since what it has sent us may be late. */
  async isSubscribed(buyer: Buyer, customer: Customer | undefined): Promise<boolean> {
    const rows = await this.subscriptions.list(buyer);
    const { found, missing } = await this.#lookUp(
      buyer,
      rows.filter((row) => !hasEnded(row)),
    );
    for (const each of found) await this.atStripe.note(buyer, each);
    await this.#noteGone(buyer, missing, customer);
    if (found.some(({ subscription }) => isActive(subscription))) return true;
    const others = customer ? await this.atStripe.list(buyer, customer) : [];
    for (const other of others) await this.atStripe.note(buyer, other);
    return others.some(({ subscription }) => isActive(subscription));
  }

  /**
   * @returns the subscription, and whether it had been cancelled in this way before
   * @throws DomainError `subscription_not_found`, `stripe_*`, `database_unavailable`
   */
  async cancel(
    buyer: Buyer,
    immediately: boolean,
  ): Promise<{ subscription: Stripe.Subscription; wasCancelled: boolean }> {
    return inBuyersWords(async () => {
      const current = await this.#current(buyer);
      const { id, status } = current.subscription;
      // One whose first payment is still due has no period that could end.
      const isNow = immediately || status === 'incomplete';
      const isCancelled = (now: Stripe.Subscription) => hasEnded(now) || (!isNow && endsWithPeriod(now));
      if (isCancelled(current.subscription))
        return { subscription: await this.atStripe.note(buyer, current), wasCancelled: true };
      const cancel = () =>
        isNow
          ? this.atStripe.end(buyer, id)
          : this.atStripe.update(buyer, id, { cancel_at_period_end: true });
      return { subscription: await this.#change(buyer, current, cancel, isCancelled), wasCancelled: false };
    });
  }

  /**
   * Puts the subscription on another price, and leaves its quantity and its other items as they are.
   * @throws DomainError `subscription_not_found`, `price_not_usable`, `card_declined`, `stripe_*`, `database_unavailable`
   */
  async changePlan(buyer: Buyer, priceId: string, proration: Proration): Promise<Stripe.Subscription> {
    const changed = await inBuyersWords(async () => {
      const current = await this.#current(buyer);
      const isOnIt = ({ items }: Stripe.Subscription) =>
        items.data.some((item) => priceOf(item)?.id === priceId);
      const change = async () => {
        const { subscription } = current;
        if (hasEnded(subscription)) throw notFound();
        if (isOnIt(subscription)) throw priceNotUsable('The subscription is on this price already.');
        return this.#putOn(buyer, subscription, priceId, proration);
      };
      return this.#change(buyer, current, change, isOnIt);
    });
    // Stripe keeps a change back until an invoice is paid, also where we asked it not to.
    if (changed.pending_update && !changed.items.data.some((item) => priceOf(item)?.id === priceId))
      throw changePending();
    return changed;
  }

  async #putOn(
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
        // Else the plan would change and the payment stay due.
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
   * Changes a subscription. What Stripe failed to answer it may have done, so it is asked; and where nothing was changed, at least what it
   * said before is noted.
   * @param change `undefined` when Stripe has nothing left to change
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
      return await this.atStripe.note(buyer, now);
    } catch (error) {
      const after = isUncertain(error) ? await find().catch(() => undefined) : undefined;
      const now = await this.atStripe.note(buyer, after ?? before);
      if (!after || !isDone(now)) throw error;
      return now;
    }
  }

  /** The buyer's subscription as it is at Stripe now: one that the ledger has, or one that counts more and that it has not heard of yet. */
  async #current(buyer: Buyer): Promise<SubscriptionNow> {
    const { found, missing } = await this.#lookUp(buyer, await this.subscriptions.list(buyer));
    const all = [...found];
    const isActiveFound = found.some(({ subscription }) => isActive(subscription));
    const customer = missing.length > 0 || !isActiveFound ? await this.customers.find(buyer) : undefined;
    await this.#noteGone(buyer, missing, customer);
    if (!isActiveFound) {
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
    for (const other of all) if (other !== current) await this.atStripe.note(buyer, other);
    if (!current) throw notFound();
    return current;
  }

  /**
   * Asks Stripe for subscriptions of the ledger until one is active. One that has ended is asked for only where nothing else was found.
   * @param rows the one that counts most first
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

  /** Notes that Stripe no longer has subscriptions of the ledger: those of a customer in the account that the key belongs to. */
  async #noteGone(
    buyer: Buyer,
    missing: readonly SubscriptionView[],
    customer: Customer | undefined,
  ): Promise<void> {
    for (const { customerId, subscriptionId: id } of missing)
      if (customerId !== null && customerId === customer?.id) await this.atStripe.noteGone(buyer, id);
  }
}

/** The plan among the items of the price's product, else the plan of the subscription. */
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

/** Or sooner: it must not be put off by being cancelled again. */
function endsWithPeriod(subscription: Stripe.Subscription): boolean {
  const { cancel_at_period_end: isEnding, cancel_at: end } = subscription;
  return isEnding || (end !== null && end <= (endOfPeriod(subscription) ?? 0));
}

/** An old item has only a plan, and one that was deleted neither. */
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
