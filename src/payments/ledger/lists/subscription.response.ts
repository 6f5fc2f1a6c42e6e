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
  description: 'A pause of the payment collection, or of the whole subscription.',
})
class SubscriptionPause {
  @ApiNullableString({
    description:
      'Treatment of invoices while the collection is paused: `keep_as_draft`, `mark_uncollectible` or `void`. `null` if the collection is not paused.',
    example: 'void',
  })
  behavior: string | null;

  @ApiNullableTime('When the collection resumes; `null` without a scheduled time.')
  resumes_at: string | null;

  @ApiNullableString({
    description:
      "Stripe's reason for the status `paused`, such as `trial_end_without_payment_method` or `pause_requested`. `null` with another status, or if Stripe gave no reason.",
    example: 'trial_end_without_payment_method',
  })
  reason: string | null;
}

@ApiExtraModels(SubscriptionPause)
@ApiSchema({ description: 'A subscription, as Stripe last reported it.' })
export class StripeSubscriptionResponse {
  @ApiUuid('Our id of the subscription.')
  id: string;

  @ApiUuid('The project.')
  project_id: string;

  @ApiNullableUuid("The user's id; `null` if the user is unknown.")
  user_id: string | null;

  @ApiProperty({ description: 'Whether it is in test mode.', type: Boolean, example: true })
  is_test_mode: boolean;

  @ApiProperty({
    description: "Stripe's id of the subscription.",
    type: String,
    example: 'sub_aaaaaaaaaaaaaaaaaaaaaaaa',
  })
  subscription_id: string;

  @ApiNullableString({
    description: "Stripe's id of the customer (`cus_…`), or of the account that is the customer (`acct_…`).",
    example: 'cus_aaaaaaaaaaaaaa',
  })
  customer_id: string | null;

  @ApiProperty({ description: "Stripe's status.", type: String, example: 'active' })
  status: string;

  @ApiNullableString({ description: 'Name of the plan.', example: 'Pro' })
  plan_name: string | null;

  @ApiProperty({ description: 'Quantity of the plan.', type: 'integer', example: 1 })
  quantity: number;

  @ApiNullableTime('Start of the current period.')
  current_period_start: string | null;

  @ApiNullableTime('End of the current period.')
  current_period_end: string | null;

  @ApiNullableTime('The scheduled end, even after the subscription has ended; `null` without one.')
  cancel_at: string | null;

  @ApiNullableTime('Time of the request to cancel.')
  cancelled_at: string | null;

  @ApiProperty({
    description: 'The pause; `null` if the subscription is not paused.',
    anyOf: [{ $ref: getSchemaPath(SubscriptionPause) }, { type: 'null' }],
    example: { behavior: 'void', resumes_at: '2026-12-21T09:30:00.000Z', reason: null },
  })
  pause: SubscriptionPause | null;

  @ApiProperty({
    description:
      "Whether the subscription belongs to another Stripe account than the stored key, as Stripe reported for both. If so, the row has the last known state, and the subscription is nobody's current one.",
    type: Boolean,
    example: false,
  })
  account_mismatch: boolean;

  @ApiTime('When Stripe created it.')
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
