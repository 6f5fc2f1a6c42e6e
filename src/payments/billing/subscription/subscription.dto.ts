import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import Stripe from 'stripe';
import { Choice, Flag } from '../../../http/validation/fields.js';
import { ApiNullableTime } from '../../../http/openapi/api-errors.js';
import { PriceId } from '../checkout/checkout.dto.js';
import { endOfPeriod } from './subscriptions-at-stripe.js';
import { PRORATIONS } from './subscriptions.service.js';

@ApiSchema({ description: 'The time of the cancellation.' })
export class CancelSubscriptionRequest {
  @Flag({
    description:
      'Whether to end the subscription immediately, without a refund, instead of at the end of the paid period.',
    default: false,
  })
  cancel_immediately = false;
}

@ApiSchema({ description: 'The subscription, cancelled.' })
export class CancelSubscriptionResponse {
  @ApiProperty({
    description: "Stripe's id of the subscription.",
    type: String,
    example: 'sub_aaaaaaaaaaaaaaaaaaaaaaaa',
  })
  subscription_id: string;

  @ApiProperty({
    description: "Stripe's status; it stays `active` until the period ends.",
    type: String,
    example: 'active',
  })
  status: string;

  @ApiNullableTime('The scheduled end; `null` if the subscription has ended.')
  cancel_at: string | null;

  @ApiNullableTime('Time of the request to cancel.')
  cancelled_at: string | null;

  @ApiProperty({
    description: 'A message for the buyer.',
    type: String,
    example: 'The subscription ends on 2026-12-21.',
  })
  message: string;
}

export function toCancelResponse(
  subscription: Stripe.Subscription,
  wasCancelled: boolean,
): CancelSubscriptionResponse {
  const { id, status } = subscription;
  const hasEnded = status === 'canceled' || status === 'incomplete_expired';
  const cancelAt = hasEnded ? null : timestamp(subscription.cancel_at ?? endOfPeriod(subscription));
  const when = cancelAt === null ? '' : ` on ${cancelAt.slice(0, 10)}`;
  const message = hasEnded
    ? `The subscription ${wasCancelled ? 'had ended already' : 'has ended'}.`
    : `The subscription ${wasCancelled ? 'was cancelled already and ' : ''}ends${when}.`;
  return {
    subscription_id: id,
    status,
    cancel_at: cancelAt,
    cancelled_at: timestamp(subscription.canceled_at),
    message,
  };
}

function timestamp(seconds: number | null): string | null {
  return seconds === null ? null : new Date(seconds * 1_000).toISOString();
}

@ApiSchema({ description: 'The new price.' })
export class UpdateSubscriptionRequest {
  @PriceId("Stripe's id of the price to change to.")
  new_price_id: string;

  @Choice({
    description:
      'How the difference is billed. `create_prorations`: with the next invoice. `always_invoice`: immediately, with its own invoice. `none`: not at all.',
    of: PRORATIONS,
    default: 'create_prorations',
  })
  proration_behavior: (typeof PRORATIONS)[number] = 'create_prorations';
}

@ApiSchema({ description: 'The subscription on its new plan.' })
export class UpdateSubscriptionResponse {
  @ApiProperty({
    description: "Stripe's id of the subscription.",
    type: String,
    example: 'sub_aaaaaaaaaaaaaaaaaaaaaaaa',
  })
  subscription_id: string;

  @ApiProperty({ description: "Stripe's status.", type: String, example: 'active' })
  status: string;

  @ApiProperty({
    description: "Stripe's id of the current price.",
    type: String,
    example: 'price_aaaaaaaaaaaaaaaaaaaaaaaa',
  })
  price_id: string;

  @ApiProperty({
    description: 'A message for the buyer.',
    type: String,
    example: 'The subscription is on its new plan.',
  })
  message: string;
}
