import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { ApiErrors } from '../../http/openapi/api-errors.decorator.js';
import { offsetOf, PageQuery } from '../../http/page.query.js';
import { StripePaymentListResponse } from '../ledger/dto/payment-list.response.js';
import { toPaymentResponse } from '../ledger/dto/payment.response.js';
import type { Buyer } from './buyer.js';
import { CurrentBuyer } from './current-buyer.decorator.js';
import { ForBuyers } from './for-buyers.decorator.js';
import { MyPaymentsRepository } from './my-payments.repository.js';

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
  @ApiErrors({ project: true, meaning: { 409: "The project's stored secret key can not be opened; its owner has to store it again." } })
  async list(@CurrentBuyer() buyer: Buyer, @Query() query: PageQuery): Promise<StripePaymentListResponse> {
    const { payments, total } = await this.payments.list(buyer, query.page_size, offsetOf(query));
    return { payments: payments.map(toPaymentResponse), total, page: query.page, page_size: query.page_size };
  }
}
