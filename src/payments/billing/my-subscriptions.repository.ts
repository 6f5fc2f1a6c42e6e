import { Injectable } from '@nestjs/common';
import type { EndUserId, ProjectId } from '../../common/ids.js';
import { Database, sql } from '../../database/database.js';
import { IS_ACCOUNT_MISMATCH, SUBSCRIPTION_VIEW, type SubscriptionRow } from '../ledger/dto/subscription.response.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

interface Whose {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
  readonly userId: EndUserId;
}

/** More than a user has, those included that Stripe no longer has. */
const MAX_SUBSCRIPTIONS = 100;

/** $4 how many. Those of a former account don't count. The one that counts comes first: one that is paid for, then one that may still be, then the last that ended. */
const LIST = sql<SubscriptionRow>(
  `SELECT ${SUBSCRIPTION_VIEW} FROM stripe_subscriptions listed
   WHERE project_id = $1 AND mode = $2 AND user_id = $3 AND NOT ${IS_ACCOUNT_MISMATCH}
   ORDER BY CASE WHEN status IN ('active', 'trialing') THEN 0 WHEN status IN ('canceled', 'incomplete_expired') THEN 2 ELSE 1 END,
     created_at DESC, id DESC
   LIMIT $4`,
  'list_my_subscriptions',
);

@Injectable()
export class MySubscriptionsRepository {
  constructor(private readonly database: Database) {}

  /** @returns `undefined` for a user who never had one */
  async findCurrent(whose: Whose): Promise<SubscriptionRow | undefined> {
    const [row] = await this.list(whose, 1);
    return row;
  }

  /** The one that counts most comes first. */
  list({ projectId, mode, userId }: Whose, limit = MAX_SUBSCRIPTIONS): Promise<SubscriptionRow[]> {
    return this.database.query(LIST, [projectId, mode, userId, limit]);
  }
}
