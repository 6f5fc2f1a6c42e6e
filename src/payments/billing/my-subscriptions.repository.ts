import { Injectable } from '@nestjs/common';
import type { EndUserId, ProjectId } from '../../common/ids.js';
import { Database, sql } from '../../database/database.js';
import { SUBSCRIPTION_COLUMNS, type SubscriptionRow } from '../ledger/dto/subscription.response.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

interface Whose {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
  readonly userId: EndUserId;
}

/** Of several the one that counts: one that is paid for, then one that may still be, then the last that ended. */
const FIND_CURRENT = sql<SubscriptionRow>(
  'find_current_subscription',
  `SELECT ${SUBSCRIPTION_COLUMNS} FROM stripe_subscriptions WHERE project_id = $1 AND mode = $2 AND user_id = $3
   ORDER BY CASE WHEN status IN ('active', 'trialing') THEN 0 WHEN status IN ('canceled', 'incomplete_expired') THEN 2 ELSE 1 END,
     created_at DESC, id DESC
   LIMIT 1`,
);

@Injectable()
export class MySubscriptionsRepository {
  constructor(private readonly database: Database) {}

  /** @returns `undefined` for a user who never had one */
  async findCurrent({ projectId, mode, userId }: Whose): Promise<SubscriptionRow | undefined> {
    const [row] = await this.database.query(FIND_CURRENT, [projectId, mode, userId]);
    return row;
  }
}
