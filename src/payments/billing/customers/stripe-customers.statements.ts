import { columns, excludedColumns, inserted } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import { StripeCustomerEntity } from './stripe-customer.entity.js';

/** A stored customer; without an id if Stripe failed to create it. */
export type LastCustomer = Pick<StripeCustomerEntity, 'customerId' | 'generation'>;

/**
 * $1–$4 owner, $5 customer, $6 generation, $7 now. Returns a row unless this or a later generation is stored
 * already.
 */
export const SETTLE = sql<LastCustomer>(
  `INSERT INTO stripe_customers AS c ${inserted(StripeCustomerEntity)}
   ON CONFLICT (project_id, mode, account, user_id) DO UPDATE SET
     ${excludedColumns(StripeCustomerEntity, ['customerId', 'generation', 'createdAt'])}
   WHERE c.generation < excluded.generation OR (c.generation = excluded.generation AND c.customer_id IS NULL)
   RETURNING ${columns(StripeCustomerEntity, { only: ['customerId', 'generation'] })}`,
);
