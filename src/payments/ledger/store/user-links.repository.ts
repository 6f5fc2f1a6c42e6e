import { Injectable } from '@nestjs/common';
import type { EndUserId } from '../../../common/ids.js';
import { Database, exec, query, type Steps } from '../../../database/database.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import type { Party } from '../merge/ledger-change.js';
import { type LinkedUser, USER_RANKS } from '../merge/payment.js';
import { rowId } from './ledger-tables.js';
import {
  FIND_LINKS,
  LINK,
  type LinkRow,
  REASSIGN_BY_CUSTOMER,
  REASSIGN_BY_SUBSCRIPTION,
  type ReassignStatements,
} from './ownership.statements.js';

const NOBODY: LinkedUser = { userId: null, userRank: USER_RANKS.none };

/** Stripe's ids of the rows whose user changed. */
export interface Reassigned {
  readonly subscriptions: string[];
  readonly payments: string[];
}

interface Linked {
  /** The user for new rows. */
  readonly user: LinkedUser;
  readonly reassigned: Reassigned;
}

/**
 * Links end users to customers and subscriptions. The order in which links and payments arrive doesn't
 * matter.
 */
@Injectable()
export class UserLinksRepository {
  constructor(private readonly database: Database) {}

  /** Serializes writes for one customer or subscription, since rows that don't exist yet can't be locked. */
  *lock({ projectId, mode }: ProjectMode, { customerIds, subscriptionId }: Party): Steps<void> {
    const ids = subscriptionId === undefined ? customerIds : [...customerIds, subscriptionId];
    for (const id of ids.toSorted()) yield* this.database.lock(`${projectId} ${mode} ${id}`);
  }

  /** Stores the user of the party if that link is the newest, and assigns the user to stored rows. */
  *link(tenant: ProjectMode, party: Party): Steps<Linked> {
    const { projectId, mode } = tenant;
    const { customerIds, subscriptionId } = party;
    const reassigned: Reassigned = { subscriptions: [], payments: [] };
    if (customerIds.length === 0 && subscriptionId === undefined) return { user: NOBODY, reassigned };
    const [customerId = null, otherId = null] = customerIds;
    const stored = yield* query(FIND_LINKS, [projectId, mode, customerId, otherId, subscriptionId ?? null]);
    const link = (objectId: string, statements: ReassignStatements, rows: string) =>
      this.#linkObject(tenant, party, {
        objectId,
        stored: stored.find((row) => row.objectId === objectId),
        statements,
        rows,
        reassigned,
      });
    const ofSubscription =
      subscriptionId &&
      (yield* link(subscriptionId, REASSIGN_BY_SUBSCRIPTION, rowId(tenant, subscriptionId)));
    let ofCustomer: EndUserId | undefined;
    for (const id of customerIds) {
      const userId = yield* link(id, REASSIGN_BY_CUSTOMER, id);
      ofCustomer ??= userId;
    }
    if (ofSubscription)
      return { user: { userId: ofSubscription, userRank: USER_RANKS.subscription }, reassigned };
    return { user: ofCustomer ? { userId: ofCustomer, userRank: USER_RANKS.customer } : NOBODY, reassigned };
  }

  /** @returns the user of the object after the write, if there is one */
  *#linkObject(
    { projectId, mode }: ProjectMode,
    { userId, asOf }: Party,
    { objectId, stored, statements, rows, reassigned }: ObjectLink,
  ): Steps<EndUserId | undefined> {
    if (!userId || (stored && !isNewer(stored, userId, asOf))) return stored?.userId;
    yield* exec(LINK, [projectId, mode, objectId, userId, asOf]);
    if (stored?.userId === userId) return userId;
    const values = [projectId, mode, rows, userId];
    yield* exec(statements.ranks, values);
    reassigned.subscriptions.push(...(yield* query(statements.subscriptions, values)).map(({ id }) => id));
    reassigned.payments.push(...(yield* query(statements.payments, values)).map(({ id }) => id));
    return userId;
  }
}

interface ObjectLink {
  readonly objectId: string;
  readonly stored: LinkRow | undefined;
  readonly statements: ReassignStatements;
  /** Value of the column that refers to the object: the customer's id, or our id of the subscription. */
  readonly rows: string;
  readonly reassigned: Reassigned;
}

/** Breaks a tie within one second by the user's id, which doesn't depend on arrival order. */
function isNewer(stored: LinkRow, userId: EndUserId, asOf: Date): boolean {
  return asOf > stored.asOf || (asOf.getTime() === stored.asOf.getTime() && userId > stored.userId);
}
