import { Injectable, Logger } from '@nestjs/common';
import type Stripe from 'stripe';
import { LedgerService } from '../../ledger/ledger.service.js';
import type { AnswerTime } from '../../stripe/stripe-connector.js';
import { stripeErrorOf } from '../../stripe/stripe.errors.js';
import { type PageParams, readWholeList, withAllItems } from '../../stripe/whole-list.js';
import { isMissing } from '../billing.errors.js';
import { assertObject, type Buyer, timedAnswer } from '../buyer.guard.js';
import { type Customer, customerParam } from '../customers/stripe-customers.repository.js';
import { StripeObject } from '../../ledger/read/stripe-object.js';
import { periodOf } from '../../ledger/merge/subscription.js';

/** Concurrent requests for the subscriptions of a user. */
const BATCH = 10;

/** A subscription in an answer from Stripe, and the time at which it was in this state. */
export interface SubscriptionNow {
  readonly subscription: Stripe.Subscription;
  readonly time: AnswerTime;
}

/** Reads and changes subscriptions at Stripe, and records the answers in the ledger. */
@Injectable()
export class SubscriptionsAtStripe {
  readonly #logger = new Logger(SubscriptionsAtStripe.name);

  constructor(private readonly ledger: LedgerService) {}

  /**
   * @returns `undefined` if Stripe doesn't have the subscription, because it belongs to another account or
   * was test data, and for one of another project on the same account
   */
  async find(buyer: Buyer, id: string): Promise<SubscriptionNow | undefined> {
    const found = await unlessMissing(() =>
      ask(buyer, (stripe, options) => stripe.subscriptions.retrieve(id, undefined, options)),
    );
    return found && (await this.#withoutForeign(buyer, [found]))[0];
  }

  /** Finds several in their order: first one, which mostly is the one needed, then ten at a time. */
  async *findEach<Row extends { readonly subscriptionId: string }>(
    buyer: Buyer,
    rows: readonly Row[],
  ): AsyncGenerator<{ row: Row; now: SubscriptionNow | undefined }> {
    for (let start = 0; start < rows.length; start += start === 0 ? 1 : BATCH) {
      const batch = rows
        .slice(start, start === 0 ? 1 : start + BATCH)
        .map(async (row) => ({ row, now: await this.find(buyer, row.subscriptionId) }));
      yield* await Promise.all(batch);
    }
  }

  /** Lists subscriptions that have not ended, newest first; none if Stripe doesn't have the customer. */
  async list(buyer: Buyer, customer: Customer): Promise<SubscriptionNow[]> {
    const readPage = async (page: PageParams) => {
      const { answer, time } = await buyer.stripe.make((stripe, options) =>
        timedAnswer(() => stripe.subscriptions.list({ ...customerParam(customer), ...page }, options)),
      );
      assertObject(answer, 'list');
      return {
        ...answer,
        data: answer.data.map((subscription) => ({ id: subscription.id, subscription, time })),
      };
    };
    try {
      const listed = await this.#withoutForeign(buyer, await readWholeList(readPage));
      return await Promise.all(
        listed.map(async ({ subscription, time }) => ({
          subscription: await completed(buyer, subscription),
          time,
        })),
      );
    } catch (error) {
      if (isMissing(error) || stripeErrorOf(error)?.statusCode === 404) return [];
      throw error;
    }
  }

  /** Records Stripe's answer. */
  async update(
    buyer: Buyer,
    id: string,
    params: Stripe.SubscriptionUpdateParams,
  ): Promise<Stripe.Subscription> {
    return this.record(
      buyer,
      await ask(buyer, (stripe, options) => stripe.subscriptions.update(id, params, options)),
    );
  }

  /**
   * Cancels immediately, and records Stripe's answer.
   * @returns `undefined` if Stripe doesn't have the subscription
   */
  async cancel(buyer: Buyer, id: string): Promise<Stripe.Subscription | undefined> {
    const ended = await unlessMissing(() =>
      ask(buyer, (stripe, options) => stripe.subscriptions.cancel(id, {}, options)),
    );
    return ended && this.record(buyer, ended);
  }

  /**
   * Writes the subscription to the ledger. A failure is only logged, because Stripe's event will bring the
   * change too.
   */
  async record(buyer: Buyer, { subscription, time }: SubscriptionNow): Promise<Stripe.Subscription> {
    await buyer.stripe
      .make(() => this.ledger.record(buyer, subscription, time))
      .catch(() => {
        this.#warn(subscription.id, buyer.projectId);
      });
    return subscription;
  }

  /** Records in the ledger that the account no longer has the subscription. */
  async recordGone(buyer: Buyer, id: string): Promise<boolean> {
    return buyer.stripe
      .make(() => this.ledger.recordGone(buyer, id, new Date()))
      .catch(() => {
        this.#warn(id, buyer.projectId);
        return false;
      });
  }

  /** Drops subscriptions of other projects on the same account. */
  async #withoutForeign<T extends SubscriptionNow>(buyer: Buyer, all: readonly T[]): Promise<T[]> {
    const own: T[] = [];
    for (const each of all)
      if (!(await this.ledger.isForeign(buyer, each.subscription, each.time))) own.push(each);
    return own;
  }

  #warn(id: string, projectId: string): void {
    this.#logger.warn(
      `Stripe's answer about ${id} of project ${projectId} could not be written to the ledger.`,
    );
  }
}

async function ask(
  buyer: Buyer,
  call: (stripe: Stripe, options: Stripe.RequestOptions) => Promise<Stripe.Response<Stripe.Subscription>>,
): Promise<SubscriptionNow> {
  const { answer, time } = await buyer.stripe.make((stripe, options) =>
    timedAnswer(() => call(stripe, options)),
  );
  assertObject(answer, 'subscription');
  return { subscription: await completed(buyer, answer), time };
}

/** Completes the subscription with all of its items. */
function completed(
  { stripe: calls }: Buyer,
  subscription: Stripe.Subscription,
): Promise<Stripe.Subscription> {
  return withAllItems(subscription, (page) =>
    calls.make((stripe, options) => stripe.subscriptionItems.list(page, options)),
  );
}

async function unlessMissing<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** End of the paid period, in seconds since 1970. */
export function endOfPeriod(subscription: Stripe.Subscription): number | null {
  const object = StripeObject.from(subscription);
  const end = object && periodOf(object).end;
  return end ? end.getTime() / 1_000 : null;
}
