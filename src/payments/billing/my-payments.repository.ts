import { Injectable } from '@nestjs/common';
import { Database, sql } from '../../database/database.js';
import { PAYMENT_VIEW, type PaymentView } from '../ledger/lists/ledger-lists.statements.js';
import type { Buyer } from './buyer.js';

const MINE = 'FROM stripe_payments WHERE project_id = $1 AND mode = $2 AND user_id = $3';

const NEWEST_FIRST = 'ORDER BY created_at DESC, id DESC';

const LIST = sql<PaymentView>(
  `SELECT ${PAYMENT_VIEW} FROM (SELECT * ${MINE} ${NEWEST_FIRST} LIMIT $4 OFFSET $5) AS listed
   ORDER BY listed.created_at DESC, listed.id DESC`,
  'list_my_payments',
);

const COUNT = sql<{ total: number | string }>(`SELECT COUNT(*) AS total ${MINE}`, 'count_my_payments');

@Injectable()
export class MyPaymentsRepository {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  async list({ projectId, mode, userId }: Buyer, limit: number, offset: number): Promise<{ payments: PaymentView[]; total: number }> {
    const mine = [projectId, mode, userId];
    const [payments, counted] = await Promise.all([this.database.query(LIST, [...mine, limit, offset]), this.database.query(COUNT, mine)]);
    return { payments, total: Number(counted[0]?.total ?? 0) };
  }
}
