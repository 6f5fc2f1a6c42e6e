import { ApiExtraModels, ApiProperty, ApiSchema, getSchemaPath } from '@nestjs/swagger';
import {
  ApiNullableString,
  ApiNullableTime,
  ApiNullableUuid,
  ApiTime,
  ApiUuid,
} from '../../../http/openapi/api-errors.js';
import type { SubscriptionView } from './ledger-lists.statements.js';
import { pauseOf } from '../merge/subscription.js';

@ApiSchema({
  name: 'StripeSubscriptionPause',
  description: 'A pause: Stripe collects no payments, or the subscription is paused as a whole.',
})
class SubscriptionPause {
  @ApiNullableString({
    description:
      "What Stripe does with invoices while it collects no payments: `keep_as_draft`, `mark_uncollectible` or `void`. `null` where collection isn't paused.",
    example: 'void',
  })
  behavior: string | null;

  @ApiNullableTime('When Stripe collects payments again; `null` where no time is set.')
  resumes_at: string | null;

  @ApiNullableString({
    description:
      'Why the status is `paused`, in the words of Stripe: `trial_end_without_payment_method` or `pause_requested`, for instance. `null` with another status, and where Stripe told no reason.',
    example: 'trial_end_without_payment_method',
  })
  reason: string | null;
}

@ApiExtraModels(SubscriptionPause)
@ApiSchema({ description: 'A subscription as Stripe last said.' })
export class StripeSubscriptionResponse {
  @ApiUuid('Our id of the subscription.')
  id: string;

  @ApiUuid('The project.')
  project_id: string;

  @ApiNullableUuid("The user's id; `null` where nothing told whose it is.")
  user_id: string | null;

  @ApiProperty({ description: 'Whether it is of test mode.', type: Boolean, example: true })
  is_test_mode: boolean;

  @ApiProperty({
    description: "Stripe's id of the subscription.",
    type: String,
    example: 'sub_aaaaaaaaaaaaaaaaaaaaaaaa',
  })
  subscription_id: string;

  @ApiNullableString({
    description: "Stripe's id of the customer; an account's where an account is the customer.",
    example: 'cus_aaaaaaaaaaaaaa',
  })
  customer_id: string | null;

  @ApiProperty({ description: "Stripe's status.", type: String, example: 'active' })
  status: string;

  @ApiNullableString({ description: 'What the plan is called.', example: 'Pro' })
  plan_name: string | null;

  @ApiProperty({ description: 'How many of the plan.', type: 'integer', example: 1 })
  quantity: number;

  @ApiNullableTime('When the current period began.')
  current_period_start: string | null;

  @ApiNullableTime('When the current period ends.')
  current_period_end: string | null;

  @ApiNullableTime('When it is going to end, if it is, or was to end when it did.')
  cancel_at: string | null;

  @ApiNullableTime('When somebody asked to cancel it.')
  cancelled_at: string | null;

  @ApiProperty({
    description: 'The pause; `null` for a subscription that is not paused.',
    anyOf: [{ $ref: getSchemaPath(SubscriptionPause) }, { type: 'null' }],
    example: { behavior: 'void', resumes_at: '2026-12-21T09:30:00.000Z', reason: null },
  })
  pause: SubscriptionPause | null;

  @ApiProperty({
    description:
      "Whether it is of another Stripe account than the stored key, as Stripe said of both keys. Then it is as it was last known, and does not count as anybody's current subscription.",
    type: Boolean,
    example: false,
  })
  account_mismatch: boolean;

  @ApiTime('When Stripe made it.')
  created_at: string;

  @ApiTime('When the row last changed here.')
  updated_at: string;
}

export function toSubscriptionResponse(row: SubscriptionView): StripeSubscriptionResponse {
  const resumesAt = timestamp(row.pauseResumesAt);
  const pause = pauseOf(row.status, { behavior: row.pauseBehavior, resumesAt, reason: row.pauseReason });
  return {
    id: row.id,
    project_id: row.projectId,
    user_id: row.userId,
    is_test_mode: row.mode === 'test',
    subscription_id: row.subscriptionId,
    customer_id: row.customerId,
    status: row.status,
    plan_name: row.planName,
    quantity: row.quantity,
    current_period_start: timestamp(row.currentPeriodStart),
    current_period_end: timestamp(row.currentPeriodEnd),
    cancel_at: timestamp(row.cancelAt),
    cancelled_at: timestamp(row.cancelledAt),
    pause: pause && { behavior: pause.behavior, resumes_at: pause.resumesAt, reason: pause.reason },
    account_mismatch: row.accountMismatch,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}

function timestamp(time: Date | null): string | null {
  return time && time.toISOString();
}
