import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { Choice } from '../../../http/fields.js';
import { PRORATIONS } from '../subscriptions.service.js';
import { PriceId } from './price-id.decorator.js';

@ApiSchema({ description: 'Which plan to change to.' })
export class UpdateSubscriptionRequest {
  @PriceId("Stripe's id of the price to change to.")
  new_price_id: string;

  @Choice({
    description:
      '`create_prorations`: what the change costs or saves is on the next invoice; `always_invoice`: on one of its own, now; `none`: nowhere.',
    of: PRORATIONS,
    default: 'create_prorations',
  })
  proration_behavior: (typeof PRORATIONS)[number] = 'create_prorations';
}

@ApiSchema({ description: 'The subscription on its new plan.' })
export class UpdateSubscriptionResponse {
  @ApiProperty({ description: "Stripe's id of the subscription.", type: String, example: 'sub_aaaaaaaaaaaaaaaaaaaaaaaa' })
  subscription_id: string;

  @ApiProperty({ description: "Stripe's status.", type: String, example: 'active' })
  status: string;

  @ApiProperty({ description: "Stripe's id of the price that it is on.", type: String, example: 'price_aaaaaaaaaaaaaaaaaaaaaaaa' })
  price_id: string;

  @ApiProperty({ description: 'A sentence for the buyer.', type: String, example: 'The subscription is on its new plan.' })
  message: string;
}
