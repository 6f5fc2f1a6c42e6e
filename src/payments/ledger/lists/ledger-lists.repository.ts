import { Injectable } from '@nestjs/common';
import { Database } from '../../../database/database.js';
import {
  type LedgerFilter,
  type Listed,
  type ListKind,
  listPage,
  listTotal,
  type Page,
  PAYMENT_LIST,
  type PaymentView,
  SUBSCRIPTION_LIST,
  type SubscriptionView,
} from './ledger-lists.statements.js';

interface List<View> {
  readonly rows: Listed<View>[];
  /** Number of rows on all pages. */
  readonly total: number;
}

/** Lists subscriptions and payments, newest first. */
@Injectable()
export class LedgerListsRepository {
  constructor(private readonly database: Database) {}

  subscriptions(filter: LedgerFilter, page: Page): Promise<List<SubscriptionView>> {
    return this.#list(SUBSCRIPTION_LIST, filter, page);
  }

  payments(filter: LedgerFilter, page: Page): Promise<List<PaymentView>> {
    return this.#list(PAYMENT_LIST, filter, page);
  }

  async #list<View>(kind: ListKind<View>, filter: LedgerFilter, page: Page): Promise<List<View>> {
    const [list, count] = [listPage(kind, filter, page), listTotal(kind, filter)];
    const [rows, [counted]] = await Promise.all([
      this.database.query(list.statement, list.values),
      this.database.query(count.statement, count.values),
    ]);
    return { rows, total: counted?.total ?? 0 };
  }
}
