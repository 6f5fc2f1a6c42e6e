import { Injectable } from '@nestjs/common';
import { getMetadataArgsStorage } from 'typeorm';
import { v5 as uuidV5 } from 'uuid';
import { columns } from '../../../database/columns.js';
import {
  Database,
  exec,
  query,
  sql,
  type SqlValue,
  type Statement,
  type Steps,
} from '../../../database/database.js';
import type { ProjectMode } from '../../project-mode.js';
import type { StoredVersion } from '../merge/observation.js';
import type { DisputeState } from '../merge/dispute.js';
import type { PaymentState } from '../merge/payment.js';
import { StripeDisputeEntity } from './ledger.entities.js';
import { StripePaymentEntity } from './ledger.entities.js';
import { StripeSubscriptionEntity } from './ledger.entities.js';
import type { OwnedSubscription } from '../merge/subscription.js';

/**
 * Our id of the row for an object of Stripe's: the UUIDv5 of its mode and id in the project's namespace. A payment can therefore name its
 * subscription's row before that row exists, and the same events give the same ids everywhere.
 */
export function rowId({ projectId, mode }: ProjectMode, stripeId: string): string {
  return uuidV5(`stripe/${mode}/${stripeId}`, Buffer.from(projectId.replaceAll('-', ''), 'hex'));
}

/** A row before and after a write: one object where nothing changed, and no `before` for a new row. */
export interface Written<State> {
  /** Ours. */
  readonly id: string;
  readonly stripeId: string;
  readonly before: (State & StoredVersion) | undefined;
  readonly after: State;
  /** The row was deleted: only events show `after`. */
  readonly isRemoved?: boolean;
}

export function isNews({ before, after }: Written<object>): boolean {
  return before !== after;
}

/** Columns that are no part of an object's state. `confirmedBy` has a statement of its own. */
const NO_STATE = ['projectId', 'mode', 'id', 'ownerId', 'revision', 'confirmedBy'];

/** A table with a row for each object of one kind, by project, mode and Stripe's id. Its statements derive from the entity. */
class LedgerTable<State extends object> {
  readonly #fields: readonly (keyof State & string)[];
  readonly #find: Statement<State & StoredVersion>;
  readonly #lock: Statement<State & StoredVersion>;
  readonly #insert: Statement<never>;
  readonly #update: Statement<never>;
  readonly #delete: Statement<never>;

  /** @param key the property of Stripe's id */
  constructor(
    protected readonly database: Database,
    entity: new () => State,
    table: string,
    key: string,
  ) {
    const all = getMetadataArgsStorage().filterColumns(entity);
    const names = new Map(
      all.map(({ propertyName, options }) => [propertyName, options.name ?? propertyName]),
    );
    const fields = [...names.keys()].filter((name) => name !== key && !NO_STATE.includes(name));
    const stateNames = fields.map((field) => names.get(field));
    const row = `project_id = $1 AND mode = $2 AND ${names.get(key)} = $3`;
    const find = `SELECT ${columns<StoredVersion>(entity as never, { only: [...fields, 'revision'] as never })} FROM ${table} WHERE ${row}`;
    this.#fields = fields as (keyof State & string)[];
    this.#find = sql(find, `find_${table}`);
    this.#lock = database.engine === 'postgres' ? sql(`${find} FOR UPDATE`, `lock_${table}`) : this.#find;
    this.#delete = sql(`DELETE FROM ${table} WHERE ${row}`, `delete_${table}`);
    this.#insert = sql(
      `INSERT INTO ${table} (project_id, mode, ${names.get(key)}, id, owner_id, revision, ${stateNames.join(', ')})
       VALUES ($1, $2, $3, $4, (SELECT owner_id FROM projects WHERE id = $1), 1, ${fields.map((_, index) => `$${index + 5}`).join(', ')})`,
      `insert_${table}`,
    );
    this.#update = sql(
      `UPDATE ${table} SET revision = revision + 1, ${stateNames.map((name, index) => `${name} = $${index + 4}`).join(', ')} WHERE ${row}`,
      `update_${table}`,
    );
  }

  async find(
    { projectId, mode }: ProjectMode,
    stripeId: string,
  ): Promise<(State & StoredVersion) | undefined> {
    return (await this.database.query(this.#find, [projectId, mode, stripeId]))[0];
  }

  /** Reads the row within a transaction. */
  *read({ projectId, mode }: ProjectMode, stripeId: string): Steps<(State & StoredVersion) | undefined> {
    return (yield* query(this.#find, [projectId, mode, stripeId]))[0];
  }

  /** Reads the row, and locks it until the transaction ends. */
  *lock({ projectId, mode }: ProjectMode, stripeId: string): Steps<(State & StoredVersion) | undefined> {
    return (yield* query(this.#lock, [projectId, mode, stripeId]))[0];
  }

  /** Writes nothing where nothing changes. @param before the locked row, if there is one */
  *write(
    tenant: ProjectMode,
    stripeId: string,
    before: (State & StoredVersion) | undefined,
    after: State,
  ): Steps<Written<State>> {
    const id = rowId(tenant, stripeId);
    if (before && this.#fields.every((field) => before[field]?.valueOf() === after[field]?.valueOf()))
      return { id, stripeId, before, after: before };
    const key = [tenant.projectId, tenant.mode, stripeId];
    const values = this.#fields.map((field) => after[field] as SqlValue);
    // An insert fails where another transaction inserted the row first: see `retryIfStale`.
    yield* before ? exec(this.#update, [...key, ...values]) : exec(this.#insert, [...key, id, ...values]);
    return { id, stripeId, before, after };
  }

  /** @returns the deleted row, if there was one */
  *remove(tenant: ProjectMode, stripeId: string): Steps<Written<State>[]> {
    const row = yield* this.lock(tenant, stripeId);
    if (!row) return [];
    yield* exec(this.#delete, [tenant.projectId, tenant.mode, stripeId]);
    return [{ id: rowId(tenant, stripeId), stripeId, before: undefined, after: row }];
  }
}

/**
 * $1 project, $2 mode, $3 subscription, $4 whether Stripe answered with the stored key. An event alone proves no account: it counts only for
 * a row that nobody confirmed yet.
 */
const CONFIRM = sql<never>(
  `UPDATE stripe_subscriptions SET confirmed_by = k.fingerprint FROM stripe_credentials k
   WHERE k.project_id = $1 AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0
     AND stripe_subscriptions.project_id = $1 AND stripe_subscriptions.mode = $2 AND subscription_id = $3
     AND (confirmed_by IS NULL OR ($4 AND confirmed_by <> k.fingerprint))`,
  'confirm_stripe_subscription',
);

@Injectable()
export class SubscriptionsTable extends LedgerTable<OwnedSubscription> {
  constructor(database: Database) {
    super(database, StripeSubscriptionEntity, 'stripe_subscriptions', 'subscriptionId');
  }

  /** Notes that the row is of the stored key's account. */
  *confirm({ projectId, mode }: ProjectMode, subscriptionId: string, isAnswer: boolean): Steps<void> {
    yield* exec(CONFIRM, [projectId, mode, subscriptionId, isAnswer]);
  }
}

@Injectable()
export class PaymentsTable extends LedgerTable<PaymentState> {
  constructor(database: Database) {
    super(database, StripePaymentEntity, 'stripe_payments', 'paymentIntentId');
  }
}

/** $1 project, $2 mode, $3 a dispute, or the payment that is disputed. */
const DISPUTES_OF = sql<Pick<StripeDisputeEntity, 'disputeId'>>(
  `SELECT ${columns(StripeDisputeEntity, { only: ['disputeId'] })} FROM stripe_disputes
   WHERE project_id = $1 AND mode = $2 AND (dispute_id = $3 OR payment_intent_id = $3) ORDER BY 1`,
  'find_stripe_disputes_of',
);

@Injectable()
export class DisputesTable extends LedgerTable<DisputeState> {
  constructor(database: Database) {
    super(database, StripeDisputeEntity, 'stripe_disputes', 'disputeId');
  }

  /** Stripe's ids. @param stripeId of the dispute or of its payment */
  *idsOf({ projectId, mode }: ProjectMode, stripeId: string): Steps<string[]> {
    return (yield* query(DISPUTES_OF, [projectId, mode, stripeId])).map(({ disputeId }) => disputeId);
  }
}
