import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { ApiNullableString, ApiNullableUuid, ApiTime, ApiUuid } from '../../../http/openapi/api-property.js';
import { toTimestamp } from '../../../database/database.js';
import type { StripeMode } from '../../stripe-config/credential-rules.js';
import { PAYMENT_SOURCES, type PaymentSource } from '../payment.js';

@ApiSchema({ description: 'A payment as Stripe last said: money that was paid, or that somebody tried to pay.' })
export class StripePaymentResponse {
  @ApiUuid('Our id of the payment.')
  id: string;

  @ApiUuid('The project.')
  project_id: string;

  @ApiNullableUuid('Our id of the subscription that it pays for, if it does.')
  subscription_id: string | null;

  @ApiNullableUuid("The user's id; `null` where nothing told whose it is.")
  user_id: string | null;

  @ApiProperty({ description: 'Whether it is of test mode.', type: Boolean, example: true })
  is_test_mode: boolean;

  @ApiProperty({ description: "Stripe's id of the payment.", type: String, example: 'pi_aaaaaaaaaaaaaaaaaaaaaaaa' })
  payment_intent_id: string;

  @ApiProperty({ description: "Stripe's status, or `partially_refunded` or `refunded`.", type: String, example: 'succeeded' })
  status: string;

  @ApiProperty({ description: 'In the smallest unit of the currency.', type: 'integer', example: 2000 })
  amount_cents: number;

  @ApiProperty({ description: 'ISO 4217, in lower case.', type: String, example: 'usd' })
  currency: string;

  @ApiProperty({
    description: '`stripe`: Stripe collected the money. `out_of_band`: it was paid outside of Stripe, in cash for instance.',
    enum: PAYMENT_SOURCES,
    default: 'stripe',
    example: 'stripe',
  })
  source: PaymentSource;

  @ApiNullableString({ description: 'What it was for.', example: 'Subscription creation' })
  description: string | null;

  @ApiProperty({ description: 'How much of it was given back.', type: 'integer', default: 0, example: 0 })
  refunded_amount_cents: number;

  @ApiNullableString({
    description: "Stripe's status of the latest dispute about it; `null` when there is none.",
    example: 'needs_response',
  })
  dispute_status: string | null;

  @ApiTime('When Stripe made it.')
  created_at: string;
}

export interface PaymentRow {
  id: string;
  project_id: string;
  mode: StripeMode;
  subscription_id: string | null;
  user_id: string | null;
  payment_intent_id: string;
  status: string;
  /** Text on PostgreSQL. */
  amount_cents: number | string;
  currency: string;
  source: PaymentSource;
  description: string | null;
  refunded_amount_cents: number | string;
  dispute_status: string | null;
  created_at: Date | string;
}

export const PAYMENT_COLUMNS = `id, project_id, mode, subscription_id, user_id, payment_intent_id, status, amount_cents, currency,
  source, description, refunded_amount_cents, created_at`;

const SUBSCRIPTION = '(SELECT s.id FROM stripe_subscriptions s WHERE s.id = listed.subscription_id) AS subscription_id';
const DISPUTE = `(SELECT d.status FROM stripe_disputes d
  WHERE d.project_id = listed.project_id AND d.mode = listed.mode AND d.payment_intent_id = listed.payment_intent_id
  ORDER BY d.created_at DESC, d.dispute_id LIMIT 1) AS dispute_status`;

/** Of rows that were `listed` with those columns: with what is known beside them. A subscription that is not here is none. */
export const PAYMENT_VIEW = `${PAYMENT_COLUMNS.replace('subscription_id', SUBSCRIPTION)}, ${DISPUTE}`;

export function toPaymentResponse(row: PaymentRow): StripePaymentResponse {
  return {
    id: row.id,
    project_id: row.project_id,
    subscription_id: row.subscription_id,
    user_id: row.user_id,
    is_test_mode: row.mode === 'test',
    payment_intent_id: row.payment_intent_id,
    status: row.status,
    amount_cents: Number(row.amount_cents),
    currency: row.currency,
    source: row.source,
    description: row.description,
    refunded_amount_cents: Number(row.refunded_amount_cents),
    dispute_status: row.dispute_status,
    created_at: toTimestamp(row.created_at),
  };
}
