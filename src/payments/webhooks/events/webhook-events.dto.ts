import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { TextField } from '../../../http/validation/fields.js';
import { Checked } from '../../../http/validation/request.pipe.js';
import { ApiNullableString, ApiNullableTime, ApiTime } from '../../../http/openapi/api-errors.js';
import { PageQuery } from '../../../http/validation/page.query.js';
import { STRIPE_MODES, type StripeMode } from '../../stripe/stripe-mode.js';
import { REFUSAL_REASONS, type RefusalReason, refusalSentence } from '../refusals/webhook-receiver.errors.js';
import type { RefusalCount } from '../refusals/webhook-refusal.entity.js';
import { type Outcome, OUTCOMES } from './event-reader.js';
import type { EventRow } from './webhook-events.statements.js';

function OneOf(names: readonly string[], description: string): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ description, enum: names, required: false }),
    IsOptional(),
    Checked((value) =>
      names.some((name) => name === value)
        ? undefined
        : { type: 'enum', msg: `must be ${names.join(' or ')}` },
    ),
  );
}

export class WebhookEventsQuery extends PageQuery {
  @OneOf(STRIPE_MODES, 'Only events of this mode.')
  mode?: StripeMode;

  @OneOf(OUTCOMES, 'Only events with this outcome.')
  outcome?: Outcome;

  @TextField({
    description: 'Only events of this type.',
    example: 'invoice.paid',
    maxLength: 255,
    optional: true,
  })
  type?: string;

  @TextField({
    description:
      "Only events about this subscription or payment: Stripe's id of a subscription or a PaymentIntent, of a charge without a PaymentIntent, or of an invoice that was paid outside of Stripe.",
    example: 'sub_aaaaaaaaaaaaaaaaaaaaaaaa',
    maxLength: 255,
    optional: true,
  })
  object_id?: string;
}

@ApiSchema({ name: 'StripeWebhookEvent', description: 'An event of Stripe with its outcome.' })
export class WebhookEventResponse {
  @ApiProperty({
    description: "Stripe's id of the event.",
    type: String,
    example: 'evt_1AAAAAAAAAAAAAAAAAAAAAAA',
  })
  id: string;

  @ApiProperty({ description: 'Mode of the event.', enum: STRIPE_MODES, example: 'test' })
  mode: StripeMode;

  @ApiProperty({ description: 'Type of the event.', type: String, example: 'invoice.paid' })
  type: string;

  @ApiNullableString({
    description: "Stripe's API version of the event; `null` if the event has none.",
    example: '2026-10-28.endive',
  })
  api_version: string | null;

  @ApiProperty({
    description:
      "`applied`: the effect is stored. `ignored`: the event has no effect here. `unreadable`: this version does not know the event's form; replay it after an update. `failed`: the event could not be applied, and Stripe retries. `open`: Stripe retries too, but the owner has to correct what `reason` says first.",
    enum: OUTCOMES,
    example: 'applied',
  })
  outcome: Outcome;

  @ApiNullableString({
    description: 'Why the event was not applied.',
    example: 'Stripe does not accept the stored secret key; store a new one.',
  })
  reason: string | null;

  @ApiNullableTime(
    'When the event last failed or was unreadable, even if it was applied later; `null` if it never did.',
  )
  last_failure_at: string | null;

  @ApiNullableString({
    description: 'Reason of the last failure.',
    example: 'Stripe can not be reached at the moment; try again shortly.',
  })
  last_failure_reason: string | null;

  @ApiProperty({
    description: 'Number of deliveries after the event was applied or ignored.',
    type: 'integer',
    example: 0,
  })
  duplicate_count: number;

  @ApiProperty({
    description: 'Whether the payload is still stored, so that the event can be replayed.',
    type: Boolean,
    example: true,
  })
  replayable: boolean;

  @ApiNullableString({
    description:
      "Stripe's id of the subscription that the event is about; `null` if it is about none, or about one that could not be read.",
    example: 'sub_aaaaaaaaaaaaaaaaaaaaaaaa',
  })
  subscription_id: string | null;

  @ApiNullableString({
    description:
      '`payment_intent_id` of the payment that the event is about, in the form of the list of payments; `null` if it is about none, or about one that could not be read.',
    example: 'pi_aaaaaaaaaaaaaaaaaaaaaaaa',
  })
  payment_intent_id: string | null;

  @ApiTime('When Stripe created the event.')
  created_at: string;

  @ApiTime('When the event first arrived.')
  received_at: string;

  @ApiTime('When the outcome was decided.')
  processed_at: string;
}

@ApiSchema({
  name: 'StripeWebhookRefusals',
  description: 'Deliveries that were refused for one reason. Nothing of them is stored.',
})
class WebhookRefusalsResponse {
  @ApiProperty({ description: 'Mode of the URL.', enum: STRIPE_MODES, example: 'test' })
  mode: StripeMode;

  @ApiProperty({ description: 'Reason of the refusals.', enum: REFUSAL_REASONS, example: 'wrong_signature' })
  reason: RefusalReason;

  @ApiProperty({
    description: 'The reason in a sentence.',
    type: String,
    example: refusalSentence('too_old'),
  })
  message: string;

  @ApiProperty({ description: 'Number of refused deliveries.', type: 'integer', example: 3 })
  count: number;

  @ApiTime('Time of the first refusal.')
  first_at: string;

  @ApiTime('Time of the last refusal.')
  last_at: string;
}

@ApiSchema({
  name: 'StripeWebhookEventList',
  description: 'One page of the events, newest first, and the refused deliveries.',
})
export class WebhookEventListResponse {
  @ApiProperty({ description: 'The events.', type: [WebhookEventResponse] })
  events: WebhookEventResponse[];

  @ApiProperty({
    description: 'Number of events with these filters, counted up to 10,000.',
    type: 'integer',
    example: 1,
  })
  total: number;

  @ApiProperty({ description: 'Number of this page.', type: 'integer', example: 1 })
  page: number;

  @ApiProperty({ description: 'Events per page.', type: 'integer', example: 50 })
  page_size: number;

  @ApiProperty({
    description:
      'Refused deliveries by mode and reason, independent of filters and page. A wrong webhook secret shows here.',
    type: [WebhookRefusalsResponse],
  })
  refusals: WebhookRefusalsResponse[];
}

export function toEventResponse(event: EventRow): WebhookEventResponse {
  return {
    id: event.id,
    mode: event.mode,
    type: event.type,
    api_version: event.apiVersion,
    outcome: event.outcome,
    reason: event.reason,
    last_failure_at: event.failedAt?.toISOString() ?? null,
    last_failure_reason: event.failure,
    duplicate_count: event.duplicates,
    replayable: event.keyId !== null,
    subscription_id: event.subscriptionId,
    payment_intent_id: event.paymentIntentId,
    created_at: event.createdAt.toISOString(),
    received_at: event.receivedAt.toISOString(),
    processed_at: event.processedAt.toISOString(),
  };
}

export function toRefusalsResponse({
  mode,
  reason,
  count,
  firstAt,
  lastAt,
}: RefusalCount): WebhookRefusalsResponse {
  return {
    mode,
    reason,
    message: refusalSentence(reason),
    count,
    first_at: firstAt.toISOString(),
    last_at: lastAt.toISOString(),
  };
}
