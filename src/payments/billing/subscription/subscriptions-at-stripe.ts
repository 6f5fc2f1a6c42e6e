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

/** How many subscriptions of a user are asked for at once. */
const BATCH = 10;

/** A subscription as Stripe says it is, and when it was so. */
export interface SubscriptionNow {
  readonly subscription: Stripe.Subscription;
  readonly time: AnswerTime;
}

/** Subscriptions as they are at Stripe. */
@Injectable()
export class SubscriptionsAtStripe {
  readonly #logger = new Logger(SubscriptionsAtStripe.name);

  constructor(private readonly ledger: LedgerService) {}

  /**
   * @returns `undefined` when Stripe has no such subscription: it is of another account, or was erased with an account's test data. One of
   * another project on the same account is none either.
   */
  async find(buyer: Buyer, id: string): Promise<SubscriptionNow | undefined> {
    const found = await unlessMissing(() =>
      ask(buyer, (stripe, options) => stripe.subscriptions.retrieve(id, undefined, options)),
    );
    return found && (await this.#ours(buyer, [found]))[0];
  }

  /** The same of several, in their order: the first alone, which mostly is what is looked for, then ten at once. */
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

  /** Those that have not ended, the newest first; none of a customer that Stripe doesn't have. */
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
      const listed = await this.#ours(buyer, await readWholeList(readPage));
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

  /** Changes it, and notes the answer. */
  async update(
    buyer: Buyer,
    id: string,
    params: Stripe.SubscriptionUpdateParams,
  ): Promise<Stripe.Subscription> {
    return this.note(
      buyer,
      await ask(buyer, (stripe, options) => stripe.subscriptions.update(id, params, options)),
    );
  }

  /** Ends it now, and notes the answer. @returns `undefined` when Stripe has none to end */
  async end(buyer: Buyer, id: string): Promise<Stripe.Subscription | undefined> {
    const ended = await unlessMissing(() =>
      ask(buyer, (stripe, options) => stripe.subscriptions.cancel(id, {}, options)),
    );
    return ended && this.note(buyer, ended);
  }

  /** Writes it to the ledger. What Stripe did is done: if it can't be written now, its event brings it. */
  async note(buyer: Buyer, { subscription, time }: SubscriptionNow): Promise<Stripe.Subscription> {
    await buyer.stripe
      .make(() => this.ledger.record(buyer, subscription, time))
      .catch(() => {
        this.#warn(subscription.id, buyer.projectId);
      });
    return subscription;
  }

  /** Writes to the ledger that the account no longer has it. @returns whether that was news */
  async noteGone(buyer: Buyer, id: string): Promise<boolean> {
    return buyer.stripe
      .make(() => this.ledger.recordGone(buyer, id, new Date()))
      .catch(() => {
        this.#warn(id, buyer.projectId);
        return false;
      });
  }

  /** Without those of other projects on the same account. */
  async #ours<T extends SubscriptionNow>(buyer: Buyer, all: readonly T[]): Promise<T[]> {
    const ours: T[] = [];
    for (const each of all)
      if (!(await this.ledger.isForeign(buyer, each.subscription, each.time))) ours.push(each);
    return ours;
  }

  #warn(id: string, projectId: string): void {
    this.#logger.warn(
      `What Stripe answered about ${id} of project ${projectId} could not be written to the ledger.`,
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

/** With all of its items. */
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

/** When what is paid for ends, in Stripe's seconds. */
export function endOfPeriod(subscription: Stripe.Subscription): number | null {
  const object = StripeObject.from(subscription);
  const end = object && periodOf(object).end;
  return end ? end.getTime() / 1_000 : null;
}
