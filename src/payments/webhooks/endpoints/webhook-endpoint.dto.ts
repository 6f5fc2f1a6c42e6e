import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { ForbidUnknownFields } from '../../../http/validation/request.pipe.js';
import { type StripeMode, StripeModeField } from '../../stripe/stripe-mode.js';
import { HANDLED_EVENTS } from '../handled-events.js';
import { STRIPE_API_VERSION } from '../../stripe/stripe-connector.js';

@ForbidUnknownFields({ description: 'The webhook endpoint to create.' })
export class WebhookEndpointCreateRequest {
  @StripeModeField('Mode of the events.')
  mode: StripeMode;
}

@ApiSchema({ description: 'A webhook endpoint at Stripe. Its signing secret is stored and never shown.' })
export class WebhookEndpointResponse {
  @ApiProperty({
    description: "Stripe's id of the endpoint.",
    type: String,
    example: 'we_aaaaaaaaaaaaaaaaaaaaaaaa',
  })
  id: string;

  @ApiProperty({
    description: 'URL to which Stripe sends the events.',
    type: String,
    example: 'https://tillkeeper.example.com/api/v1/payments/stripe/webhooks/…/test',
  })
  url: string;

  @ApiProperty({
    description: 'Types of the events that Stripe sends.',
    type: [String],
    example: [...HANDLED_EVENTS],
  })
  events: string[];

  @ApiProperty({
    description: "Stripe's API version of the events.",
    type: String,
    example: STRIPE_API_VERSION,
  })
  version: string;
}
