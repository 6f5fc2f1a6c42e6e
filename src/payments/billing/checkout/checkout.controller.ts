import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import { ApiOAuth2, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { Idempotent } from '../../idempotency/idempotency.interceptor.js';
import { type Buyer, CurrentBuyer, ForBuyers, TEST_MODE } from '../buyer.guard.js';
import { CheckoutService } from './checkout.service.js';
import {
  CustomerPortalRequest,
  CustomerPortalResponse,
  StripeCheckoutRequest,
  StripeCheckoutResponse,
} from './checkout.dto.js';

@ForBuyers()
@Controller('payments/stripe')
export class CheckoutController {
  constructor(private readonly checkout: CheckoutService) {}

  @Post('checkout-session')
  @HttpCode(HttpStatus.OK)
  @Idempotent({ body: StripeCheckoutRequest, query: [TEST_MODE] })
  // Generated clients expect the security scheme under the name in the contract.
  @ApiOAuth2([], 'OAuth2PasswordBearer')
  @ApiOperation({
    operationId: 'createCheckoutSession',
    summary: 'Start a checkout',
    description: 'Creates a page at Stripe where the calling user pays.',
  })
  @ApiOkResponse({ description: 'The page.', type: StripeCheckoutResponse })
  @ApiErrors({ project: true, body: true, purchase: true })
  async start(
    @CurrentBuyer() buyer: Buyer,
    @Body() order: StripeCheckoutRequest,
  ): Promise<StripeCheckoutResponse> {
    const { id, url } = await this.checkout.start(buyer, order);
    return { session_id: id, checkout_url: url };
  }

  @Post('customer-portal')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'openCustomerPortal',
    summary: 'Open the customer portal',
    description: 'Creates a page at Stripe where the calling user manages cards, invoices and subscriptions.',
  })
  @ApiOkResponse({ description: 'The page.', type: CustomerPortalResponse })
  @ApiErrors({ project: true, body: true, purchase: true })
  async openPortal(
    @CurrentBuyer() buyer: Buyer,
    @Body() { return_url: returnUrl }: CustomerPortalRequest,
  ): Promise<CustomerPortalResponse> {
    const { url } = await this.checkout.openPortal(buyer, returnUrl);
    return { portal_url: url };
  }
}
