import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { ApiNullableString, ApiNullableUuid, ApiTime, ApiUuid } from '../../../http/openapi/api-errors.js';
import { PAYMENT_SOURCES, type PaymentSource } from '../merge/payment.js';
import type { PaymentView } from './ledger-lists.statements.js';

@ApiSchema({
  description: 'A payment or an attempt to pay, as Stripe last reported it.',
})
export class StripePaymentResponse {
  @ApiUuid('Our id of the payment.')
  id: string;

  @ApiUuid('The project.')
  project_id: string;

  @ApiNullableUuid('Our id of the paid subscription; `null` without one.')
  subscription_id: string | null;

  @ApiNullableUuid("The user's id; `null` if the user is unknown.")
  user_id: string | null;

  @ApiNullableString({
    description: "Stripe's id of the customer (`cus_…`), or of the account that is the customer (`acct_…`).",
    example: 'cus_aaaaaaaaaaaaaa',
  })
  customer_id: string | null;

  @ApiProperty({ description: 'Whether it is in test mode.', type: Boolean, example: true })
  is_test_mode: boolean;

  @ApiProperty({
    description: "Stripe's id of the payment.",
    type: String,
    example: 'pi_aaaaaaaaaaaaaaaaaaaaaaaa',
  })
  payment_intent_id: string;

  @ApiProperty({
    description: "Stripe's status, or `partially_refunded` or `refunded`.",
    type: String,
    example: 'succeeded',
  })
  status: string;

  @ApiProperty({
    description: 'Amount in the smallest unit of the currency.',
    type: 'integer',
    example: 2000,
  })
  amount_cents: number;

  @ApiProperty({ description: 'ISO 4217, in lower case.', type: String, example: 'usd' })
  currency: string;

  @ApiProperty({
    description:
      '`stripe`: Stripe collected the money. `out_of_band`: it was paid outside of Stripe, for instance in cash.',
    enum: PAYMENT_SOURCES,
    default: 'stripe',
    example: 'stripe',
  })
  source: PaymentSource;

  @ApiNullableString({ description: 'Description of the payment.', example: 'Subscription creation' })
  description: string | null;

  @ApiProperty({
    description: 'Refunded amount in the smallest unit of the currency.',
    type: 'integer',
    default: 0,
    example: 0,
  })
  refunded_amount_cents: number;

  @ApiNullableString({
    description: "Stripe's status of the latest dispute about the payment; `null` without one.",
    example: 'needs_response',
  })
  dispute_status: string | null;

  @ApiTime('When Stripe created it.')
  created_at: string;

  @ApiTime('When the row last changed here.')
  updated_at: string;
}

export function toPaymentResponse(row: PaymentView): StripePaymentResponse {
  return {
    id: row.id,
    project_id: row.projectId,
    subscription_id: row.knownSubscriptionId,
    user_id: row.userId,
    customer_id: row.customerId,
    is_test_mode: row.mode === 'test',
    payment_intent_id: row.paymentIntentId,
    status: row.status,
    amount_cents: row.amountCents,
    currency: row.currency,
    source: row.source,
    description: row.description,
    refunded_amount_cents: row.refundedAmountCents,
    dispute_status: row.disputeStatus,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}

/** Fields of a page that describe the whole list. */
export class PageResponse {
  @ApiProperty({ description: 'Number of rows on all pages.', type: 'integer', example: 1 })
  total: number;

  @ApiProperty({
    description:
      'Whether `total` is exact. With filters other than project, mode and status, rows are counted up to 10,000.',
    type: Boolean,
    example: true,
  })
  total_is_exact: boolean;

  @ApiProperty({ description: 'Number of this page, from 1.', type: 'integer', example: 1 })
  page: number;

  @ApiProperty({ description: 'Rows per page.', type: 'integer', example: 50 })
  page_size: number;
}

@ApiSchema({ description: 'One page of payments, newest first.' })
export class StripePaymentListResponse extends PageResponse {
  @ApiProperty({ description: 'The payments.', type: [StripePaymentResponse] })
  payments: StripePaymentResponse[];
}
