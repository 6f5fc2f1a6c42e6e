import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { endUserId } from '../../auth/end-user.js';
import { isMissing } from './billing-failure.js';
import type { Buyer } from './buyer.js';
import { ownMetadata } from './metadata.js';
import { MySubscriptionsRepository } from './my-subscriptions.repository.js';
import { type Customer, type CustomerOwner, StripeCustomersRepository } from './stripe-customers.repository.js';
import { assertObject } from './stripe-answers.js';
import { SubscriptionsAtStripe } from './subscriptions-at-stripe.js';

/** Keeps each end user one Stripe customer. */
@Injectable()
export class CustomersService {
  constructor(
    private readonly customers: StripeCustomersRepository,
    private readonly subscriptions: MySubscriptionsRepository,
    private readonly atStripe: SubscriptionsAtStripe,
  ) {}

  /** @returns the buyer's customer, `undefined` for one who never bought anything */
  async find(buyer: Buyer): Promise<Customer | undefined> {
    const owner = await this.#ownerOf(buyer);
    const known = await this.customers.find(owner);
    if (known) return known;
    const former = await this.#formerCustomer(buyer);
    return former === undefined ? undefined : this.customers.settle(owner, { id: former, generation: 0 });
  }

  /**
   * Does something with the buyer's customer; with a new one if it turns out that Stripe no longer has it.
   * @param use a call to Stripe that names the customer as `customer`
   */
  async with<T>(buyer: Buyer, customer: Customer, use: (customerId: string) => Promise<T>): Promise<T> {
    try {
      return await use(customer.id);
    } catch (error) {
      if (!isMissing(error, /^customer$/)) throw error;
      return use((await this.make(buyer, customer.generation + 1)).id);
    }
  }

  /**
   * Of any number of processes that do this at once, all ask with the same idempotency key and parameters, so that Stripe makes one
   * customer; and should it make more than one, the row decides which counts.
   * @param generation one more than that of a customer that is gone: its idempotency key would bring that one back
   */
  async make(buyer: Buyer, generation = 1): Promise<Customer> {
    const owner = await this.#ownerOf(buyer);
    const idempotencyKey = idempotencyKeyOf(owner, generation);
    try {
      const customer = await buyer.stripe.make((stripe, options) =>
        stripe.customers.create({ metadata: ownMetadata(buyer) }, { ...options, maxNetworkRetries: 3, idempotencyKey }),
      );
      assertObject(customer, 'customer');
      return await this.customers.settle(owner, { id: customer.id, generation });
    } catch (error) {
      const made = await this.customers.find(owner);
      if (!made || made.generation < generation) throw error;
      return made;
    }
  }

  /**
   * The customer of somebody who subscribed before this service was asked. Only if the subscription itself names the user: what a session
   * of a payment link was given for a reference, anybody could choose.
   */
  async #formerCustomer(buyer: Buyer): Promise<string | undefined> {
    const known = await this.subscriptions.findCurrent(buyer);
    const { subscription } = (known && (await this.atStripe.find(buyer, known.subscription_id))) ?? {};
    const subject = subscription?.metadata['user_id'];
    if (!subscription || subject === undefined || endUserId(buyer.projectId, subject) !== buyer.userId) return undefined;
    return typeof subscription.customer === 'string' ? subscription.customer : subscription.customer.id;
  }

  async #ownerOf({ projectId, mode, userId, account, stripe }: Buyer): Promise<CustomerOwner> {
    return { projectId, mode, userId, account: await stripe.make(() => account()) };
  }
}

function idempotencyKeyOf({ projectId, mode, account, userId }: CustomerOwner, generation: number): string {
  const identity = JSON.stringify([projectId, mode, account, userId, generation]);
  return `tillkeeper-customer-${createHash('sha256').update(identity).digest('base64url')}`;
}
