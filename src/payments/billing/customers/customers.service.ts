import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { customerIdOf, StripeObject, userIn } from '../../ledger/read/stripe-object.js';
import { LedgerService } from '../../ledger/ledger.service.js';
import { isMissing, isReplayedFailure } from '../billing.errors.js';
import { assertObject, type Buyer, timedAnswer } from '../buyer.guard.js';
import { ownMetadata } from '../checkout/metadata.js';
import { MyBillingRepository } from '../subscription/my-billing.repository.js';
import {
  type Customer,
  type CustomerOwner,
  type CustomerParam,
  customerParam,
  isCreated,
  StripeCustomersRepository,
} from './stripe-customers.repository.js';
import { SubscriptionsAtStripe } from '../subscription/subscriptions-at-stripe.js';

/** Generations that one request tries. More would only use up idempotency keys while Stripe is down. */
const MAX_GENERATIONS = 2;

/** Ensures that each end user has exactly one Stripe customer. */
@Injectable()
export class CustomersService {
  constructor(
    private readonly customers: StripeCustomersRepository,
    private readonly billing: MyBillingRepository,
    private readonly atStripe: SubscriptionsAtStripe,
    private readonly ledger: LedgerService,
  ) {}

  /** @returns `undefined` for a buyer who never bought anything */
  async find(buyer: Buyer): Promise<Customer | undefined> {
    const owner = await this.#ownerOf(buyer);
    const last = await this.customers.find(owner);
    if (isCreated(last)) return last;
    const former = await this.#formerCustomer(buyer);
    return former === null
      ? undefined
      : this.customers.settle(owner, { customerId: former, generation: last?.generation ?? 0 });
  }

  /**
   * Calls Stripe with the buyer's customer. If Stripe no longer has it, creates a new one and calls again.
   */
  async with<T>(buyer: Buyer, customer: Customer, use: (customer: CustomerParam) => Promise<T>): Promise<T> {
    try {
      return await use(customerParam(customer));
    } catch (error) {
      if (!isMissing(error, /^customer(_account)?$/)) throw error;
      return use(customerParam(await this.create(buyer, customer.generation)));
    }
  }

  /**
   * Creates the buyer's customer. Concurrent calls use one idempotency key, so Stripe creates one customer.
   * If it creates several, the first stored one is used. Stripe replays a failure for its key, so the next
   * attempt uses the key of the next generation.
   * @param gone a generation that Stripe no longer has. Its idempotency key would return the deleted
   * customer.
   * @param attempts how many generations to try
   */
  async create(buyer: Buyer, gone = 0, attempts = MAX_GENERATIONS): Promise<Customer> {
    const owner = await this.#ownerOf(buyer);
    const last = await this.customers.find(owner);
    if (isCreated(last) && last.generation > gone) return last;
    const generation = (last?.generation ?? 0) + 1;
    try {
      return await this.#createGeneration(buyer, owner, generation);
    } catch (error) {
      const created = await this.customers.find(owner);
      if (isCreated(created) && created.generation >= generation) return created;
      if (!isReplayedFailure(error)) throw error;
      await this.customers.skip(owner, generation);
      if (attempts === 1) throw error;
      return this.create(buyer, gone, attempts - 1);
    }
  }

  async #createGeneration(buyer: Buyer, owner: CustomerOwner, generation: number): Promise<Customer> {
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
    // Linked to the user before it is used: objects that are created for it in Stripe's Dashboard don't name
    // the user.
    await this.ledger.record(owner, customer, time);
    return this.customers.settle(owner, { customerId: customer.id, generation });
  }

  /**
   * Finds the customer of a user who subscribed before this service existed. The subscription's metadata has
   * to name the user: the reference of a payment link's session is not trusted, because any visitor can
   * choose it.
   */
  async #formerCustomer(buyer: Buyer): Promise<string | null> {
    for await (const { now } of this.atStripe.findEach(buyer, await this.billing.listSubscriptions(buyer))) {
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
