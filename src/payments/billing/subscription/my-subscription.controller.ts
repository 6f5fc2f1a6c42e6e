import { Body, Controller, Get, HttpCode, HttpStatus, Post, Res } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { Idempotent } from '../../idempotency/idempotency.interceptor.js';
import {
  StripeSubscriptionResponse,
  toSubscriptionResponse,
} from '../../ledger/lists/subscription.response.js';
import { type Buyer, CurrentBuyer, ForBuyers, TEST_MODE } from '../buyer.guard.js';
import {
  CancelSubscriptionRequest,
  CancelSubscriptionResponse,
  toCancelResponse,
  UpdateSubscriptionRequest,
  UpdateSubscriptionResponse,
} from './subscription.dto.js';
import { SubscriptionsService } from './subscriptions.service.js';

@ForBuyers()
@ApiExtraModels(StripeSubscriptionResponse)
@Controller('payments/stripe')
export class MySubscriptionController {
  constructor(private readonly subscriptions: SubscriptionsService) {}

  @Get('my-subscription')
  @ApiOperation({
    operationId: 'getMySubscription',
    summary: "Show the user's subscription",
    description: "The user's active or newest subscription; `null` if the user never had one.",
  })
  @ApiOkResponse({
    description: 'The subscription, or `null`.',
    schema: { anyOf: [{ $ref: getSchemaPath(StripeSubscriptionResponse) }, { type: 'null' }] },
  })
  @ApiErrors({
    project: true,
    meaning: { 409: "The project's stored secret key can not be opened; its owner has to store it again." },
  })
  async find(@CurrentBuyer() buyer: Buyer, @Res() reply: FastifyReply): Promise<void> {
    const subscription = await this.subscriptions.find(buyer);
    // Nest and Fastify would send an empty body for `null`.
    void reply
      .type('application/json; charset=utf-8')
      .send(subscription ? toSubscriptionResponse(subscription) : 'null');
  }

  @Post('cancel-subscription')
  @HttpCode(HttpStatus.OK)
  @Idempotent({ body: CancelSubscriptionRequest, query: [TEST_MODE] })
  @ApiOperation({
    operationId: 'cancelMySubscription',
    summary: "Cancel the user's subscription",
    description:
      'Ends the subscription at the end of the paid period, or immediately. A repeated call changes nothing.',
  })
  @ApiOkResponse({ description: 'The subscription is cancelled.', type: CancelSubscriptionResponse })
  @ApiErrors({ project: true, body: true, purchase: true })
  async cancel(
    @CurrentBuyer() buyer: Buyer,
    @Body() request: CancelSubscriptionRequest,
  ): Promise<CancelSubscriptionResponse> {
    const { subscription, wasCancelled } = await this.subscriptions.cancel(buyer, request.cancel_immediately);
    return toCancelResponse(subscription, wasCancelled);
  }

  @Post('update-subscription')
  @HttpCode(HttpStatus.OK)
  @Idempotent({ body: UpdateSubscriptionRequest, query: [TEST_MODE] })
  @ApiOperation({
    operationId: 'updateMySubscription',
    summary: 'Change the plan',
    description: "Changes the price of the user's subscription. The quantity and the other items stay.",
  })
  @ApiOkResponse({ description: 'The subscription has the new price.', type: UpdateSubscriptionResponse })
  @ApiErrors({ project: true, body: true, purchase: true })
  async update(
    @CurrentBuyer() buyer: Buyer,
    @Body() request: UpdateSubscriptionRequest,
  ): Promise<UpdateSubscriptionResponse> {
    const { new_price_id: priceId, proration_behavior: proration } = request;
    const { id, status } = await this.subscriptions.changePlan(buyer, priceId, proration);
    return {
      subscription_id: id,
      status,
      price_id: priceId,
      message: 'The subscription is on its new plan.',
    };
  }
}
