import { columnNames, columns, inserted } from '../../../database/columns.js';
import { sql, type Statement } from '../../../database/database.js';
import { USER_RANKS } from '../merge/payment.js';
import { StripeForeignObjectEntity, StripeUserLinkEntity } from './ownership.entities.js';

export type LinkRow = Pick<StripeUserLinkEntity, 'objectId' | 'userId' | 'asOf'>;

/** $1 project, $2 mode, $3 and $4 ids of the customer, $5 subscription; `null` if there is none. */
export const FIND_LINKS = sql<LinkRow>(
  `SELECT ${columns(StripeUserLinkEntity, { only: ['objectId', 'userId', 'asOf'] })} FROM stripe_user_links
   WHERE project_id = $1 AND mode = $2 AND object_id IN ($3, $4, $5)`,
  'find_stripe_user_links',
);

/** $1 project, $2 mode, $3 customer or subscription, $4 user, $5 as of. */
export const LINK = sql<never>(
  `INSERT INTO stripe_user_links ${inserted(StripeUserLinkEntity)}
   ON CONFLICT (project_id, mode, object_id) DO UPDATE SET user_id = excluded.user_id, as_of = excluded.as_of`,
  'link_stripe_user',
);

/** Assign a user to stored rows. */
export interface ReassignStatements {
  /** Returns Stripe's ids of the rows whose user changed. */
  readonly subscriptions: Statement<{ id: string }>;
  /** Returns Stripe's ids of the rows whose user changed. */
  readonly payments: Statement<{ id: string }>;
  /** Raises the rank of payments that already have this user. */
  readonly ranks: Statement<never>;
}

/**
 * $1 project, $2 mode, $3 customer, $4 user. Skips rows with a user from a better source: the subscription or
 * the payment itself.
 */
export const REASSIGN_BY_CUSTOMER: ReassignStatements = {
  subscriptions: sql(
    ({ now }) => `UPDATE stripe_subscriptions SET user_id = $4, revision = revision + 1, updated_at = ${now}
     WHERE project_id = $1 AND mode = $2 AND customer_id = $3 AND user_id IS DISTINCT FROM $4 AND NOT EXISTS (
       SELECT 1 FROM stripe_user_links l WHERE l.project_id = $1 AND l.mode = $2 AND l.object_id = stripe_subscriptions.subscription_id)
     RETURNING subscription_id AS id`,
    'reassign_stripe_subscriptions_of_customer',
  ),
  ...paymentsBy('customer_id', 'customer'),
};

/** $1 project, $2 mode, $3 our id of the subscription, $4 user. */
export const REASSIGN_BY_SUBSCRIPTION: ReassignStatements = {
  subscriptions: sql(
    ({ now }) => `UPDATE stripe_subscriptions SET user_id = $4, revision = revision + 1, updated_at = ${now}
     WHERE project_id = $1 AND mode = $2 AND id = $3 AND user_id IS DISTINCT FROM $4 RETURNING subscription_id AS id`,
    'reassign_stripe_subscription',
  ),
  ...paymentsBy('subscription_id', 'subscription'),
};

function paymentsBy(
  column: 'customer_id' | 'subscription_id',
  source: 'customer' | 'subscription',
): Pick<ReassignStatements, 'payments' | 'ranks'> {
  const rank = USER_RANKS[source];
  const update = (
    set: string,
  ) => `UPDATE stripe_payments SET ${set}user_rank = ${rank}, revision = revision + 1
    WHERE project_id = $1 AND mode = $2 AND ${column} = $3`;
  return {
    payments: sql(
      ({ now }) =>
        `${update(`user_id = $4, updated_at = ${now}, `)} AND user_rank <= ${rank} AND user_id IS DISTINCT FROM $4 RETURNING payment_intent_id AS id`,
      `reassign_stripe_payments_of_${source}`,
    ),
    ranks: sql(`${update('')} AND user_rank < ${rank} AND user_id = $4`, `rank_stripe_payments_of_${source}`),
  };
}

const FOREIGN_COLUMNS = columnNames(StripeForeignObjectEntity);

/** $1 project, $2 mode, $3 object, $4 as of. Returns a row unless newer metadata said otherwise. */
export const MARK_FOREIGN = sql<{ object_id: string }>(
  `INSERT INTO stripe_foreign_objects AS f (${FOREIGN_COLUMNS}) VALUES ($1, $2, $3, $3, true, $4)
   ON CONFLICT (project_id, mode, object_id) DO UPDATE SET named_by = excluded.named_by, is_foreign = true,
     as_of = CASE WHEN f.as_of > excluded.as_of THEN f.as_of ELSE excluded.as_of END
   WHERE f.is_foreign OR f.as_of <= excluded.as_of
   RETURNING object_id`,
  'mark_foreign_stripe_object',
);

/** $1 project, $2 mode, $3 object, $4 its ancestor, $5 1970. The object's own metadata takes precedence. */
export const INHERIT_FOREIGN = sql<never>(
  `INSERT INTO stripe_foreign_objects AS f (${FOREIGN_COLUMNS}) VALUES ($1, $2, $3, $4, false, $5)
   ON CONFLICT (project_id, mode, object_id) DO UPDATE SET named_by = excluded.named_by WHERE NOT f.is_foreign`,
  'inherit_foreign_stripe_object',
);

/** $1 project, $2 mode, $3 object, $4 as of. For an object whose metadata no longer names another project. */
export const UNMARK_FOREIGN = sql<never>(
  `UPDATE stripe_foreign_objects SET named_by = object_id, is_foreign = false, as_of = $4
   WHERE project_id = $1 AND mode = $2 AND object_id = $3`,
  'unmark_foreign_stripe_object',
);

/**
 * $1 project, $2 mode, $3 ids as a JSON array. Returns the object whose metadata decides, for each foreign
 * id.
 */
export const FIND_FOREIGN = sql<Pick<StripeForeignObjectEntity, 'namedBy' | 'asOf'>>(
  ({ jsonItems }) =>
    `SELECT ${columns(StripeForeignObjectEntity, { of: 'n', only: ['namedBy', 'asOf'] })} FROM stripe_foreign_objects o
     JOIN stripe_foreign_objects n ON n.project_id = o.project_id AND n.mode = o.mode AND n.object_id = o.named_by
     WHERE o.project_id = $1 AND o.mode = $2 AND n.is_foreign AND o.object_id IN (${jsonItems('$3')})`,
  'find_foreign_stripe_objects',
);
