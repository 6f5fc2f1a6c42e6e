import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { customerIdOf, StripeObject, userIn } from '../../ledger/read/stripe-object.js';
import { LedgerService } from '../../ledger/ledger.service.js';
import { isMissing, isReplayedFailure } from '../billing.errors.js';
import { assertObject, type Buyer, timedAnswer } from '../buyer.guard.js';
import { ownMetadata } from '../checkout/metadata.js';
import { MySubscriptionsRepository } from '../subscription/my-subscriptions.repository.js';
import {
  type Customer,
  type CustomerOwner,
  type CustomerParam,
  customerParam,
  isMade,
  StripeCustomersRepository,
} from './stripe-customers.repository.js';
import { SubscriptionsAtStripe } from '../subscription/subscriptions-at-stripe.js';

/** Of one request: more would only wear out keys while Stripe is down. */
const MAX_GENERATIONS = 2;

/** Keeps each end user one Stripe customer. */
@Injectable()
export class CustomersService {
  constructor(
    private readonly customers: StripeCustomersRepository,
    private readonly subscriptions: MySubscriptionsRepository,
    private readonly atStripe: SubscriptionsAtStripe,
    private readonly ledger: LedgerService,
  ) {}

  /** @returns the buyer's customer, `undefined` for one who never bought anything */
  async find(buyer: Buyer): Promise<Customer | undefined> {
    const owner = await this.#ownerOf(buyer);
    const last = await this.customers.find(owner);
    if (isMade(last)) return last;
    const former = await this.#formerCustomer(buyer);
    return former === null
      ? undefined
      : this.customers.settle(owner, { id: former, generation: last?.generation ?? 0 });
  }

  /**
   * Does something with the buyer's customer; with a new one if it turns out that Stripe no longer has it.
   * @param use a call to Stripe that names the customer
   */
  async with<T>(buyer: Buyer, customer: Customer, use: (customer: CustomerParam) => Promise<T>): Promise<T> {
    try {
      return await use(customerParam(customer));
    } catch (error) {
      if (!isMissing(error, /^customer(_account)?$/)) throw error;
      return use(customerParam(await this.make(buyer, customer.generation)));
    }
  }

  /**
   * Of any number of processes that do this at once, all ask with the same idempotency key and parameters, so that Stripe makes one
   * customer; and should it make more than one, the row decides which counts.
   * @param gone the generation that Stripe no longer has: its idempotency key would bring that customer back
   * @param generations how many to try. A failure that Stripe has kept for a key is all that anybody gets for it, so all go on to the next.
   */
  async make(buyer: Buyer, gone = 0, generations = MAX_GENERATIONS): Promise<Customer> {
    const owner = await this.#ownerOf(buyer);
    const last = await this.customers.find(owner);
    if (isMade(last) && last.generation > gone) return last;
    const generation = (last?.generation ?? 0) + 1;
    try {
      return await this.#create(buyer, owner, generation);
    } catch (error) {
      const made = await this.customers.find(owner);
      if (isMade(made) && made.generation >= generation) return made;
      if (!isReplayedFailure(error)) throw error;
      await this.customers.skip(owner, generation);
      if (generations === 1) throw error;
      return this.make(buyer, gone, generations - 1);
    }
  }

  async #create(buyer: Buyer, owner: CustomerOwner, generation: number): Promise<Customer> {
    const idempotencyKey = idempotencyKeyOf(owner, generation);
    const { answer: customer, time } = await buyer.stripe.make((stripe, options) =>
      timedAnswer(() =>
        stripe.customers.create(
          { metadata: ownMetadata(buyer) },
          { ...options, maxNetworkRetries: 3, idempotencyKey },
        ),
      ),
    );
    assertObject(customer, 'customer');
    // Before it counts: what is made for it elsewhere, in Stripe's Dashboard for instance, doesn't say whose it is.
    await this.ledger.record(owner, customer, time);
    return this.customers.settle(owner, { id: customer.id, generation });
  }

  /**
   * The customer of somebody who subscribed before this service was asked. Only if the subscription itself names the user: what a session
   * of a payment link was given for a reference, anybody could choose.
   */
  async #formerCustomer(buyer: Buyer): Promise<string | null> {
    for await (const { now } of this.atStripe.findEach(buyer, await this.subscriptions.list(buyer))) {
      const object = StripeObject.from(now?.subscription);
      const customer =
        object && userIn(buyer.projectId, object.object('metadata')) === buyer.userId && customerIdOf(object);
      if (customer) return customer;
    }
    return null;
  }

  async #ownerOf({ projectId, mode, userId, account, stripe }: Buyer): Promise<CustomerOwner> {
    return { projectId, mode, userId, account: await stripe.make(() => account()) };
  }
}

function idempotencyKeyOf({ projectId, mode, account, userId }: CustomerOwner, generation: number): string {
  const identity = JSON.stringify([projectId, mode, account, userId, generation]);
  return `tillkeeper-customer-${createHash('sha256').update(identity).digest('base64url')}`;
}
