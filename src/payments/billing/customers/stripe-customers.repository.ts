import { Injectable } from '@nestjs/common';
import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { EndUserId, ProjectId } from '../../../common/ids.js';
import { Database, sql } from '../../../database/database.js';
import { StripeConfigEntity } from '../../stripe-config/stripe-config.entities.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';

/** The one Stripe customer that a project's user is in one mode of one Stripe account. */
@Entity('stripe_customers')
export class StripeCustomerEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'stripe_customers_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'stripe_customers_pk' })
  mode: StripeMode;

  /** Keyed hash of the Stripe account's id. */
  @PrimaryColumn({ type: 'varchar', length: 32, primaryKeyConstraintName: 'stripe_customers_pk' })
  account: string;

  @PrimaryColumn('uuid', { name: 'user_id', primaryKeyConstraintName: 'stripe_customers_pk' })
  userId: EndUserId;

  /** `null` when Stripe failed to make the one of this generation, and says so again to whoever asks with its key. */
  @Column({ name: 'customer_id', type: 'varchar', length: 255, nullable: true })
  customerId: string | null;

  /** How many customers this user has been: the one before is no longer at Stripe, or never was. */
  @Column({ type: 'integer' })
  generation: number;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_customers_config_fk' })
  config: StripeConfigEntity;
}

/** Whose customer. */
export interface CustomerOwner {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
  /** Fingerprint of the Stripe account. */
  readonly account: string;
  readonly userId: EndUserId;
}

export interface Customer {
  /** `cus_…`, or `acct_…` where an account is the customer. */
  readonly id: string;
  /** 1 for the first that we make, and one more for each that Stripe no longer has or failed to make; 0 for one that was there before us. */
  readonly generation: number;
}

/** The last generation: without an id when Stripe failed to make it. */
export type LastCustomer = Customer | { readonly id: null; readonly generation: number };

/** How calls to Stripe name a customer. */
export type CustomerParam = { readonly customer: string } | { readonly customer_account: string };

export function customerParam({ id }: Customer): CustomerParam {
  return id.startsWith('acct_') ? { customer_account: id } : { customer: id };
}

export function isMade(last: LastCustomer | undefined): last is Customer {
  return typeof last?.id === 'string';
}

const FIND = sql<LastCustomer>(
  'SELECT customer_id AS id, generation FROM stripe_customers WHERE project_id = $1 AND mode = $2 AND account = $3 AND user_id = $4',
  'find_stripe_customer',
);

/** $1–$4 the owner, $5 customer, $6 generation, $7 now. Answers a row when it is the first of its generation. */
const SETTLE = sql<LastCustomer>(
  `INSERT INTO stripe_customers AS c (project_id, mode, account, user_id, customer_id, generation, created_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7)
   ON CONFLICT (project_id, mode, account, user_id) DO UPDATE SET customer_id = excluded.customer_id,
     generation = excluded.generation, created_at = excluded.created_at
   WHERE c.generation < excluded.generation OR (c.generation = excluded.generation AND c.customer_id IS NULL)
   RETURNING customer_id AS id, generation`,
  'settle_stripe_customer',
);

@Injectable()
export class StripeCustomersRepository {
  constructor(private readonly database: Database) {}

  async find({ projectId, mode, account, userId }: CustomerOwner): Promise<LastCustomer | undefined> {
    const [row] = await this.database.query(FIND, [projectId, mode, account, userId]);
    return row;
  }

  /** Stores the owner's customer, if nobody stored one of this generation before. @returns the one that counts */
  async settle(owner: CustomerOwner, { id, generation }: Customer): Promise<Customer> {
    const current = (await this.#settle(owner, id, generation)) ?? (await this.find(owner));
    if (!isMade(current)) throw new Error('A customer that is in the way must be there.');
    return current;
  }

  /** Remembers that the owner's customer of this generation can't be made. */
  async skip(owner: CustomerOwner, generation: number): Promise<void> {
    await this.#settle(owner, null, generation);
  }

  async #settle(
    owner: CustomerOwner,
    id: string | null,
    generation: number,
  ): Promise<LastCustomer | undefined> {
    const { projectId, mode, account, userId } = owner;
    const [settled] = await this.database.query(SETTLE, [
      projectId,
      mode,
      account,
      userId,
      id,
      generation,
      new Date(),
    ]);
    return settled;
  }
}
