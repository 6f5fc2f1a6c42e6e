import { Controller, Get, Injectable, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { Database, sql } from '../../../database/database.js';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { offsetOf, PageQuery } from '../../../http/page.query.js';
import { PAYMENT_VIEW, type PaymentView } from '../../ledger/lists/ledger-lists.statements.js';
import { StripePaymentListResponse, toPaymentResponse } from '../../ledger/lists/payment.response.js';
import { type Buyer, CurrentBuyer, ForBuyers } from '../buyer.guard.js';

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
  async list(
    { projectId, mode, userId }: Buyer,
    limit: number,
    offset: number,
  ): Promise<{ payments: PaymentView[]; total: number }> {
    const mine = [projectId, mode, userId];
    const [payments, counted] = await Promise.all([
      this.database.query(LIST, [...mine, limit, offset]),
      this.database.query(COUNT, mine),
    ]);
    return { payments, total: Number(counted[0]?.total ?? 0) };
  }
}

@ForBuyers()
@Controller('payments/stripe')
export class MyPaymentsController {
  constructor(private readonly payments: MyPaymentsRepository) {}

  @Get('my-payments')
  @ApiOperation({
    operationId: 'listMyPayments',
    summary: "List the user's payments",
    description: 'One page of what the calling user paid, or tried to pay, the newest first.',
  })
  @ApiOkResponse({ description: 'The payments.', type: StripePaymentListResponse })
  @ApiErrors({
    project: true,
    meaning: { 409: "The project's stored secret key can not be opened; its owner has to store it again." },
  })
  async list(@CurrentBuyer() buyer: Buyer, @Query() query: PageQuery): Promise<StripePaymentListResponse> {
    const { payments, total } = await this.payments.list(buyer, query.page_size, offsetOf(query));
    return { payments: payments.map(toPaymentResponse), total, page: query.page, page_size: query.page_size };
  }
}
