import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { EndUserId } from '../../../common/ids.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import { Database } from '../../../database/database.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { StripeCustomerEntity } from './stripe-customer.entity.js';
import { type LastCustomer, SETTLE } from './stripe-customers.statements.js';

export interface CustomerOwner extends ProjectMode {
  /** Fingerprint of the Stripe account. */
  readonly account: string;
  readonly userId: EndUserId;
}

export interface Customer extends LastCustomer {
  readonly customerId: string;
}

/** Names a customer in calls to Stripe. */
export type CustomerParam = { readonly customer: string } | { readonly customer_account: string };

export function customerParam({ customerId }: Customer): CustomerParam {
  return customerId.startsWith('acct_') ? { customer_account: customerId } : { customer: customerId };
}

export function isCreated(last: LastCustomer | undefined): last is Customer {
  return typeof last?.customerId === 'string';
}

@Injectable()
export class StripeCustomersRepository {
  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
  ) {}

  async find({ projectId, mode, account, userId }: CustomerOwner): Promise<LastCustomer | undefined> {
    const customers = this.dataSource.getRepository(StripeCustomerEntity);
    const found = customers.findOneBy({ projectId, mode, account, userId });
    return (await reachingDatabase(found)) ?? undefined;
  }

  /** Stores the customer, unless one of this or a later generation is stored. @returns the stored one */
  async settle(owner: CustomerOwner, { customerId, generation }: LastCustomer): Promise<Customer> {
    const current = (await this.#settle(owner, customerId, generation)) ?? (await this.find(owner));
    if (!isCreated(current)) throw new Error('The customer that conflicts with the new one is missing.');
    return current;
  }

  /** Marks a generation whose customer can't be created. */
  async skip(owner: CustomerOwner, generation: number): Promise<void> {
    await this.#settle(owner, null, generation);
  }

  async #settle(
    { projectId, mode, account, userId }: CustomerOwner,
    customerId: string | null,
    generation: number,
  ): Promise<LastCustomer | undefined> {
    const values = [projectId, mode, account, userId, customerId, generation, new Date()];
    const [settled] = await this.database.write(SETTLE, values);
    return settled;
  }
}
