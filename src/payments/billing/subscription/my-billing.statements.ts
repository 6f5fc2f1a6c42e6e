import { sql } from '../../../database/database.js';
import {
  IS_ACCOUNT_MISMATCH,
  PAYMENT_VIEW,
  type PaymentView,
  SUBSCRIPTION_FLAGS,
  SUBSCRIPTION_VIEW,
  type SubscriptionView,
} from '../../ledger/lists/ledger-lists.statements.js';

/** $1 project, $2 mode, $3 user, $4 limit, $5 offset. Newest first. */
export const LIST_PAYMENTS = sql<PaymentView>(
  `SELECT ${PAYMENT_VIEW} FROM (
     SELECT * FROM stripe_payments WHERE project_id = $1 AND mode = $2 AND user_id = $3
     ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5) AS listed
   ORDER BY listed.created_at DESC, listed.id DESC`,
  'list_my_payments',
);

/**
 * $1 project, $2 mode, $3 user, $4 limit. Active first, then those that may become active, then ended ones;
 * none of a former account.
 */
export const LIST_SUBSCRIPTIONS = sql<SubscriptionView>(
  `SELECT ${SUBSCRIPTION_VIEW} FROM stripe_subscriptions listed
   WHERE project_id = $1 AND mode = $2 AND user_id = $3 AND NOT ${IS_ACCOUNT_MISMATCH}
   ORDER BY CASE WHEN listed.status IN ('active', 'trialing') THEN 0 WHEN listed.status IN ('canceled', 'incomplete_expired') THEN 2 ELSE 1 END,
     listed.created_at DESC, listed.id DESC
   LIMIT $4`,
  'list_my_subscriptions',
  SUBSCRIPTION_FLAGS,
);
