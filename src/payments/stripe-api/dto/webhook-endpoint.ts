import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { type Check, Checked } from '../../../common/check.decorator.js';
import { ForbidUnknownFields } from '../../../common/request.pipe.js';
import { STRIPE_MODES, type StripeMode } from '../../stripe-config/credential-rules.js';
import { HANDLED_EVENTS } from '../handled-events.js';
import { STRIPE_API_VERSION } from '../stripe-connector.js';

const aMode: Check = (value) => {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  return STRIPE_MODES.some((mode) => mode === value) ? undefined : { type: 'enum', msg: 'must be test or live' };
};

@ApiSchema({ description: 'Which webhook endpoint to make.' })
@ForbidUnknownFields()
export class WebhookEndpointCreateRequest {
  @ApiProperty({ description: 'Whose events.', enum: STRIPE_MODES, example: 'test' })
  @Checked(aMode)
  mode: StripeMode;
}

@ApiSchema({ description: 'A webhook endpoint at Stripe. Its signing secret is stored and never shown.' })
export class WebhookEndpointResponse {
  @ApiProperty({ description: "Stripe's id of the endpoint.", type: String, example: 'we_aaaaaaaaaaaaaaaaaaaaaaaa' })
  id: string;

  @ApiProperty({
    description: 'Where Stripe sends the events.',
    type: String,
    example: 'https://tillkeeper.example.com/api/v1/payments/stripe/webhooks/…/test',
  })
  url: string;

  @ApiProperty({ description: 'The events that Stripe sends.', type: [String], example: [...HANDLED_EVENTS] })
  events: string[];

  @ApiProperty({ description: "The version of Stripe's API that the events have.", type: String, example: STRIPE_API_VERSION })
  version: string;
}
