import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { ReturnUrl } from './return-url.decorator.js';

@ApiSchema({ description: 'Where the portal leads back to.' })
export class CustomerPortalRequest {
  @ReturnUrl('Where the portal leads back to.', 'https://shop.example.com/account')
  return_url: string;
}

@ApiSchema({ description: "Stripe's page on which this buyer looks after cards, invoices and subscriptions." })
export class CustomerPortalResponse {
  @ApiProperty({ description: 'Where to send the buyer.', type: String, example: 'https://billing.stripe.com/p/session/…' })
  portal_url: string;
}
