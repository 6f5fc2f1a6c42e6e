import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { offsetOf, PageQuery } from '../../../http/validation/page.query.js';
import { StripePaymentListResponse, toPaymentResponse } from '../../ledger/lists/payment.response.js';
import { type Buyer, CurrentBuyer, ForBuyers } from '../buyer.guard.js';
import { MyBillingRepository } from './my-billing.repository.js';

@ForBuyers()
@Controller('payments/stripe')
export class MyPaymentsController {
  constructor(private readonly billing: MyBillingRepository) {}

  @Get('my-payments')
  @ApiOperation({
    operationId: 'listMyPayments',
    summary: "List the user's payments",
    description: 'One page of the payments and attempts of the calling user, newest first.',
  })
  @ApiOkResponse({ description: 'The payments.', type: StripePaymentListResponse })
  @ApiErrors({
    project: true,
    meaning: { 409: "The project's stored secret key can not be opened; its owner has to store it again." },
  })
  async list(@CurrentBuyer() buyer: Buyer, @Query() query: PageQuery): Promise<StripePaymentListResponse> {
    const { page, page_size } = query;
    const limits = { limit: page_size, offset: offsetOf(query) };
    const { payments, total } = await this.billing.listPayments(buyer, limits);
    return { payments: payments.map(toPaymentResponse), total, total_is_exact: true, page, page_size };
  }
}
