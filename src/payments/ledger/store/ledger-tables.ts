import { Injectable } from '@nestjs/common';
import { v5 as uuidV5 } from 'uuid';
import { Database, exec, query, type SqlValue, type Steps } from '../../../database/database.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import type { DisputeState } from '../merge/dispute.js';
import type { StoredVersion } from '../merge/observation.js';
import type { PaymentState } from '../merge/payment.js';
import type { OwnedSubscription } from '../merge/subscription.js';
import {
  CONFIRM,
  FIND_DISPUTES,
  tableStatements,
  TOUCH_PAYMENT,
  TOUCH_PAYMENTS_OF_SUBSCRIPTION,
} from './ledger-tables.statements.js';
import { StripeDisputeEntity, StripePaymentEntity, StripeSubscriptionEntity } from './ledger.entities.js';

/**
 * Our id of a Stripe object's row: the UUIDv5 of mode and Stripe's id in the project's namespace. A payment
 * can therefore refer to its subscription before that row exists, and the same events give the same ids in
 * every installation.
 */
export function rowId({ projectId, mode }: ProjectMode, stripeId: string): string {
  return uuidV5(`stripe/${mode}/${stripeId}`, Buffer.from(projectId.replaceAll('-', ''), 'hex'));
}

/** A row before and after a write. Both are one object if nothing changed; a new row has no `before`. */
export interface Written<State> {
  /** Our id. */
  readonly id: string;
  readonly stripeId: string;
  readonly before: (State & StoredVersion) | undefined;
  readonly after: State;
  /** Whether the row was deleted; `after` is then for events only. */
  readonly isRemoved?: boolean;
}

export function isChanged({ before, after }: Written<object>): boolean {
  return before !== after;
}

/** Reads and writes the rows of one kind of Stripe object. The statements derive from the entity. */
class LedgerTable<State extends object> {
  readonly #statements: ReturnType<typeof tableStatements<State>>;

  /** @param key the property of Stripe's id */
  constructor(
    protected readonly database: Database,
    entity: new () => State,
    table: string,
    key: string,
  ) {
    this.#statements = tableStatements(entity, table, key);
  }

  async find(
    { projectId, mode }: ProjectMode,
    stripeId: string,
  ): Promise<(State & StoredVersion) | undefined> {
    return (await this.database.query(this.#statements.find, [projectId, mode, stripeId]))[0];
  }

  /** Reads the row within a transaction. */
  *read({ projectId, mode }: ProjectMode, stripeId: string): Steps<(State & StoredVersion) | undefined> {
    return (yield* query(this.#statements.find, [projectId, mode, stripeId]))[0];
  }

  /** Reads the row and locks it until the transaction ends. */
  *lock({ projectId, mode }: ProjectMode, stripeId: string): Steps<(State & StoredVersion) | undefined> {
    return (yield* query(this.#statements.lock, [projectId, mode, stripeId]))[0];
  }

  /** Writes the row if its state changes. @param before the locked row, if it exists */
  *write(
    tenant: ProjectMode,
    stripeId: string,
    { before, after }: Pick<Written<State>, 'before' | 'after'>,
  ): Steps<Written<State>> {
    const { fields, insert, update } = this.#statements;
    const id = rowId(tenant, stripeId);
    if (before && fields.every((field) => before[field]?.valueOf() === after[field]?.valueOf()))
      return { id, stripeId, before, after: before };
    const key = [tenant.projectId, tenant.mode, stripeId];
    const values = fields.map((field) => after[field] as SqlValue);
    // The insert fails if another transaction inserted the row first: see `retryIfStale`.
    yield* before ? exec(update, [...key, ...values]) : exec(insert, [...key, id, ...values]);
    return { id, stripeId, before, after };
  }

  /** @returns the deleted row, if there was one */
  *remove(tenant: ProjectMode, stripeId: string): Steps<Written<State>[]> {
    const row = yield* this.lock(tenant, stripeId);
    if (!row) return [];
    yield* exec(this.#statements.delete, [tenant.projectId, tenant.mode, stripeId]);
    return [{ id: rowId(tenant, stripeId), stripeId, before: undefined, after: row }];
  }
}

@Injectable()
export class SubscriptionsTable extends LedgerTable<OwnedSubscription> {
  constructor(database: Database) {
    super(database, StripeSubscriptionEntity, 'stripe_subscriptions', 'subscriptionId');
  }

  /** Stores which secret key proved that the row belongs to its account. */
  *confirm({ projectId, mode }: ProjectMode, subscriptionId: string, isResponse: boolean): Steps<void> {
    yield* exec(CONFIRM, [projectId, mode, subscriptionId, isResponse]);
  }
}

@Injectable()
export class PaymentsTable extends LedgerTable<PaymentState> {
  constructor(database: Database) {
    super(database, StripePaymentEntity, 'stripe_payments', 'paymentIntentId');
  }

  /** Marks a payment as updated, because its dispute changed. */
  *touch({ projectId, mode }: ProjectMode, paymentIntentId: string): Steps<void> {
    yield* exec(TOUCH_PAYMENT, [projectId, mode, paymentIntentId]);
  }

  /** Marks payments as updated, because their subscription is known from now on. @param id our id of it */
  *touchOfSubscription({ projectId, mode }: ProjectMode, id: string): Steps<void> {
    yield* exec(TOUCH_PAYMENTS_OF_SUBSCRIPTION, [projectId, mode, id]);
  }
}

@Injectable()
export class DisputesTable extends LedgerTable<DisputeState> {
  constructor(database: Database) {
    super(database, StripeDisputeEntity, 'stripe_disputes', 'disputeId');
  }

  /**
   * Stripe's ids of the disputes about a payment, or of this dispute.
   * @param stripeId a dispute or payment
   */
  *idsOf({ projectId, mode }: ProjectMode, stripeId: string): Steps<string[]> {
    return (yield* query(FIND_DISPUTES, [projectId, mode, stripeId])).map(({ disputeId }) => disputeId);
  }
}
