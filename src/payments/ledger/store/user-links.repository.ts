import { Injectable } from '@nestjs/common';
import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { EndUserId, ProjectId } from '../../../common/ids.js';
import { columns } from '../../../database/columns.js';
import { Database, exec, query, sql, type Statement, type Steps } from '../../../database/database.js';
import { ProjectEntity } from '../../../projects/project.entity.js';
import type { ProjectMode } from '../../project-mode.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import type { Party } from '../merge/ledger-change.js';
import { type LinkedUser, USER_RANKS } from '../merge/payment.js';
import { rowId } from './ledger-tables.js';

const PK = { primaryKeyConstraintName: 'stripe_user_links_pk' };

/** Which end user a customer or subscription belongs to, learned before or after what belongs to it. */
@Entity('stripe_user_links')
export class StripeUserLinkEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** Stripe's: `cus_…` or `sub_…` */
  @PrimaryColumn({ name: 'object_id', type: 'varchar', length: 255, ...PK })
  objectId: string;

  @Column('uuid', { name: 'user_id' })
  userId: EndUserId;

  /** The time of the event or answer of Stripe that told. */
  @Column({ name: 'as_of', type: Date, precision: 3 })
  asOf: Date;

  @ManyToOne(() => ProjectEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_user_links_project_fk' })
  project: ProjectEntity;
}

/** $1 a customer or subscription. What is written for one happens in turn: rows that are not there yet can't be locked. */
const LOCK = sql<never>('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', 'lock_stripe_customer');

type LinkRow = Pick<StripeUserLinkEntity, 'objectId' | 'userId' | 'asOf'>;

/** $1 project, $2 mode, $3 and $4 the ids of the customer, $5 subscription; each `null` where there is none. */
const FIND = sql<LinkRow>(
  `SELECT ${columns(StripeUserLinkEntity, { only: ['objectId', 'userId', 'asOf'] })} FROM stripe_user_links
   WHERE project_id = $1 AND mode = $2 AND object_id IN ($3, $4, $5)`,
  'find_stripe_user_links',
);

/** $1 project, $2 mode, $3 customer or subscription, $4 user, $5 as of. */
const LINK = sql<never>(
  `INSERT INTO stripe_user_links (project_id, mode, object_id, user_id, as_of) VALUES ($1, $2, $3, $4, $5)
   ON CONFLICT (project_id, mode, object_id) DO UPDATE SET user_id = excluded.user_id, as_of = excluded.as_of`,
  'link_stripe_user',
);

/** Give rows another user. The first two return the Stripe ids of the rows whose user changed; the third only raises the rank of the others. */
interface ReassignStatements {
  readonly subscriptions: Statement<{ id: string }>;
  readonly payments: Statement<{ id: string }>;
  readonly ranks: Statement<never>;
}

/** $1 project, $2 mode, $3 customer, $4 user. What is known of the single subscription or payment is better knowledge. */
const REASSIGN_BY_CUSTOMER: ReassignStatements = {
  subscriptions: sql(
    `UPDATE stripe_subscriptions SET user_id = $4, revision = revision + 1
     WHERE project_id = $1 AND mode = $2 AND customer_id = $3 AND user_id IS DISTINCT FROM $4 AND NOT EXISTS (
       SELECT 1 FROM stripe_user_links l WHERE l.project_id = $1 AND l.mode = $2 AND l.object_id = stripe_subscriptions.subscription_id)
     RETURNING subscription_id AS id`,
    'give_stripe_subscriptions_of_customer',
  ),
  payments: sql(
    `UPDATE stripe_payments SET user_id = $4, user_rank = ${USER_RANKS.customer}, revision = revision + 1
     WHERE project_id = $1 AND mode = $2 AND customer_id = $3 AND user_rank <= ${USER_RANKS.customer}
       AND user_id IS DISTINCT FROM $4 RETURNING payment_intent_id AS id`,
    'give_stripe_payments_of_customer',
  ),
  ranks: sql(
    `UPDATE stripe_payments SET user_rank = ${USER_RANKS.customer}, revision = revision + 1
     WHERE project_id = $1 AND mode = $2 AND customer_id = $3 AND user_rank < ${USER_RANKS.customer} AND user_id = $4`,
    'rank_stripe_payments_of_customer',
  ),
};

/** $1 project, $2 mode, $3 our id of the subscription, $4 user. */
const REASSIGN_BY_SUBSCRIPTION: ReassignStatements = {
  subscriptions: sql(
    `UPDATE stripe_subscriptions SET user_id = $4, revision = revision + 1
     WHERE project_id = $1 AND mode = $2 AND id = $3 AND user_id IS DISTINCT FROM $4 RETURNING subscription_id AS id`,
    'give_stripe_subscription',
  ),
  payments: sql(
    `UPDATE stripe_payments SET user_id = $4, user_rank = ${USER_RANKS.subscription}, revision = revision + 1
     WHERE project_id = $1 AND mode = $2 AND subscription_id = $3 AND user_rank <= ${USER_RANKS.subscription}
       AND user_id IS DISTINCT FROM $4 RETURNING payment_intent_id AS id`,
    'give_stripe_payments_of_subscription',
  ),
  ranks: sql(
    `UPDATE stripe_payments SET user_rank = ${USER_RANKS.subscription}, revision = revision + 1
     WHERE project_id = $1 AND mode = $2 AND subscription_id = $3 AND user_rank < ${USER_RANKS.subscription} AND user_id = $4`,
    'rank_stripe_payments_of_subscription',
  ),
};

const NOBODY: LinkedUser = { userId: null, userRank: USER_RANKS.none };

/** Stripe ids of the rows that got another user. */
export interface Reassigned {
  readonly subscriptions: string[];
  readonly payments: string[];
}

interface Linked {
  /** To whom new rows belong. */
  readonly user: LinkedUser;
  readonly reassigned: Reassigned;
}

/** Which end user a customer or subscription belongs to, whether that is told before or after what else they bring. */
@Injectable()
export class UserLinksRepository {
  constructor(private readonly database: Database) {}

  /** Keeps other transactions from writing anything of the same customer or subscription. */
  *lock({ projectId, mode }: ProjectMode, { customerIds, subscriptionId }: Party): Steps<void> {
    if (this.database.engine !== 'postgres') return;
    const ids = subscriptionId === undefined ? customerIds : [...customerIds, subscriptionId];
    for (const id of ids.toSorted()) yield* exec(LOCK, [`${projectId} ${mode} ${id}`]);
  }

  /** Keeps what is told where it is the newest, and gives it to the rows that are there already. */
  *link(tenant: ProjectMode, { customerIds, subscriptionId, userId: observed, asOf }: Party): Steps<Linked> {
    const { projectId, mode } = tenant;
    if (customerIds.length === 0 && subscriptionId === undefined)
      return { user: NOBODY, reassigned: { subscriptions: [], payments: [] } };
    const [customerId = null, otherId = null] = customerIds;
    const stored = yield* query(FIND, [projectId, mode, customerId, otherId, subscriptionId ?? null]);
    const reassigned: Reassigned = { subscriptions: [], payments: [] };
    /** @param rows what the rows of the object have: the customer's id, or our id of the subscription */
    function* linkObject(
      objectId: string,
      { subscriptions, payments, ranks }: ReassignStatements,
      rows = objectId,
    ): Steps<EndUserId | undefined> {
      const link = stored.find((row) => row.objectId === objectId);
      if (!observed || (link && !isNewer(link, observed, asOf))) return link?.userId;
      yield* exec(LINK, [projectId, mode, objectId, observed, asOf]);
      if (link?.userId === observed) return observed;
      const values = [projectId, mode, rows, observed];
      yield* exec(ranks, values);
      reassigned.subscriptions.push(...(yield* query(subscriptions, values)).map(({ id }) => id));
      reassigned.payments.push(...(yield* query(payments, values)).map(({ id }) => id));
      return observed;
    }
    const ofSubscription =
      subscriptionId &&
      (yield* linkObject(subscriptionId, REASSIGN_BY_SUBSCRIPTION, rowId(tenant, subscriptionId)));
    let ofCustomer: EndUserId | undefined;
    for (const id of customerIds) {
      const user = yield* linkObject(id, REASSIGN_BY_CUSTOMER);
      ofCustomer ??= user;
    }
    if (ofSubscription)
      return { user: { userId: ofSubscription, userRank: USER_RANKS.subscription }, reassigned };
    return { user: ofCustomer ? { userId: ofCustomer, userRank: USER_RANKS.customer } : NOBODY, reassigned };
  }
}

/** In the same second, either of two users, and always the same one. */
function isNewer(stored: LinkRow, userId: EndUserId, asOf: Date): boolean {
  return asOf > stored.asOf || (asOf.getTime() === stored.asOf.getTime() && userId > stored.userId);
}
