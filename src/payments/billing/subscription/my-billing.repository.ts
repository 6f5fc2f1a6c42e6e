import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { reachingDatabase } from '../../../database/database-errors.js';
import { Database } from '../../../database/database.js';
import type { PaymentView, SubscriptionView } from '../../ledger/lists/ledger-lists.statements.js';
import { StripePaymentEntity } from '../../ledger/store/ledger.entities.js';
import type { Buyer } from '../buyer.guard.js';
import { LIST_PAYMENTS, LIST_SUBSCRIPTIONS } from './my-billing.statements.js';

type Owner = Pick<Buyer, 'projectId' | 'mode' | 'userId'>;

/** Far more than one user has. */
const MAX_SUBSCRIPTIONS = 100;

/** Reads one end user's subscriptions and payments from the ledger. */
@Injectable()
export class MyBillingRepository {
  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
  ) {}

  /** @returns `undefined` for a user who never had a subscription */
  async findSubscription(owner: Owner): Promise<SubscriptionView | undefined> {
    const [row] = await this.listSubscriptions(owner, 1);
    return row;
  }

  /** Active ones first. */
  listSubscriptions(
    { projectId, mode, userId }: Owner,
    limit = MAX_SUBSCRIPTIONS,
  ): Promise<SubscriptionView[]> {
    return this.database.query(LIST_SUBSCRIPTIONS, [projectId, mode, userId, limit]);
  }

  /** Newest first. */
  async listPayments(
    { projectId, mode, userId }: Owner,
    { limit, offset }: { limit: number; offset: number },
  ): Promise<{ payments: PaymentView[]; total: number }> {
    const all = this.dataSource.getRepository(StripePaymentEntity);
    const [payments, total] = await Promise.all([
      this.database.query(LIST_PAYMENTS, [projectId, mode, userId, limit, offset]),
      reachingDatabase(all.countBy({ projectId, mode, userId })),
    ]);
    return { payments, total };
  }
}
