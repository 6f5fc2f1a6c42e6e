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
  @OneOf(STRIPE_MODES, 'Only those of this mode.')
  mode?: StripeMode;

  @OneOf(OUTCOMES, 'Only those with this outcome.')
  outcome?: Outcome;

  @TextField({
    description: 'Only those of this type.',
    example: 'invoice.paid',
    maxLength: 255,
    optional: true,
  })
  type?: string;
}

@ApiSchema({ name: 'StripeWebhookEvent', description: 'An event of Stripe, and what became of it.' })
export class WebhookEventResponse {
  @ApiProperty({
    description: "Stripe's id of the event.",
    type: String,
    example: 'evt_1AAAAAAAAAAAAAAAAAAAAAAA',
  })
  id: string;

  @ApiProperty({ description: 'Whose events it came with.', enum: STRIPE_MODES, example: 'test' })
  mode: StripeMode;

  @ApiProperty({ description: 'What happened.', type: String, example: 'invoice.paid' })
  type: string;

  @ApiNullableString({
    description: "The version of Stripe's API that it has, where it says.",
    example: '2026-10-28.endive',
  })
  api_version: string | null;

  @ApiProperty({
    description:
      '`applied`: its effect is stored. `ignored`: nothing here depends on it. `unreadable`: it is in a form that this version does not know; replay it after an update. `failed`: it could not be applied, and Stripe sends it again. `open`: so does Stripe, but first the owner has to mend what `reason` says.',
    enum: OUTCOMES,
    example: 'applied',
  })
  outcome: Outcome;

  @ApiNullableString({
    description: 'Why it was not applied.',
    example: 'Stripe does not accept the stored secret key; store a new one.',
  })
  reason: string | null;

  @ApiNullableTime(
    'When it last failed, or could not be read, also if it was applied later; `null` when it never did.',
  )
  last_failure_at: string | null;

  @ApiNullableString({
    description: 'Why it failed then.',
    example: 'Stripe can not be reached at the moment; try again shortly.',
  })
  last_failure_reason: string | null;

  @ApiProperty({
    description: 'How often it came again after it was applied or ignored.',
    type: 'integer',
    example: 0,
  })
  duplicate_count: number;

  @ApiProperty({
    description: 'Whether its payload is still kept, so that it can be replayed.',
    type: Boolean,
    example: true,
  })
  replayable: boolean;

  @ApiTime('When it happened at Stripe.')
  created_at: string;

  @ApiTime('When it first arrived.')
  received_at: string;

  @ApiTime('When its outcome was decided.')
  processed_at: string;
}

@ApiSchema({
  name: 'StripeWebhookRefusals',
  description: 'Deliveries that were refused for one reason, and left nothing behind.',
})
class WebhookRefusalsResponse {
  @ApiProperty({ description: 'To which URL they came.', enum: STRIPE_MODES, example: 'test' })
  mode: StripeMode;

  @ApiProperty({ description: 'Why they were refused.', enum: REFUSAL_REASONS, example: 'wrong_signature' })
  reason: RefusalReason;

  @ApiProperty({ description: 'The same for people.', type: String, example: refusalSentence('too_old') })
  message: string;

  @ApiProperty({ description: 'How many there were.', type: 'integer', example: 3 })
  count: number;

  @ApiTime('When the first came.')
  first_at: string;

  @ApiTime('When the last came.')
  last_at: string;
}

@ApiSchema({
  name: 'StripeWebhookEventList',
  description: 'One page of the events that arrived, the newest first, and what was refused.',
})
export class WebhookEventListResponse {
  @ApiProperty({ description: 'The events.', type: [WebhookEventResponse] })
  events: WebhookEventResponse[];

  @ApiProperty({
    description: 'How many events there are with these filters; 10,000 may be more.',
    type: 'integer',
    example: 1,
  })
  total: number;

  @ApiProperty({ description: 'Which page this is.', type: 'integer', example: 1 })
  page: number;

  @ApiProperty({ description: 'How many events a page has.', type: 'integer', example: 50 })
  page_size: number;

  @ApiProperty({
    description:
      'Whatever the filters and the page: deliveries that were refused, by mode and reason. A wrong webhook secret shows here.',
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
