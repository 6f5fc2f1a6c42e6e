import { Injectable } from '@nestjs/common';
import type { EndUserId } from '../../../common/ids.js';
import { Database, sql } from '../../../database/database.js';
import {
  IS_ACCOUNT_MISMATCH,
  SUBSCRIPTION_VIEW,
  type SubscriptionView,
} from '../../ledger/lists/ledger-lists.statements.js';
import type { ProjectMode } from '../../project-mode.js';

interface Whose extends ProjectMode {
  readonly userId: EndUserId;
}

/** More than a user has, those included that Stripe no longer has. */
const MAX_SUBSCRIPTIONS = 100;

/** $4 how many. Those of a former account don't count. The one that counts comes first: one that is paid for, then one that may still be, then the last that ended. */
const LIST = sql<SubscriptionView>(
  `SELECT ${SUBSCRIPTION_VIEW} FROM stripe_subscriptions listed
   WHERE project_id = $1 AND mode = $2 AND user_id = $3 AND NOT ${IS_ACCOUNT_MISMATCH}
   ORDER BY CASE WHEN listed.status IN ('active', 'trialing') THEN 0 WHEN listed.status IN ('canceled', 'incomplete_expired') THEN 2 ELSE 1 END,
     listed.created_at DESC, listed.id DESC
   LIMIT $4`,
  'list_my_subscriptions',
);

@Injectable()
export class MySubscriptionsRepository {
  constructor(private readonly database: Database) {}

  /** @returns `undefined` for a user who never had one */
  async findCurrent(whose: Whose): Promise<SubscriptionView | undefined> {
    const [row] = await this.list(whose, 1);
    return row;
  }

  /** The one that counts most comes first. */
  list({ projectId, mode, userId }: Whose, limit = MAX_SUBSCRIPTIONS): Promise<SubscriptionView[]> {
    return this.database.query(LIST, [projectId, mode, userId, limit]);
  }
}
