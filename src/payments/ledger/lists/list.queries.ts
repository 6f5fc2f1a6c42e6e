import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { QueryChoice, QueryFlag, QueryTime, QueryUuid, textCheck } from '../../../http/validation/fields.js';
import { Checked } from '../../../http/validation/request.pipe.js';
import { PageQuery } from '../../../http/validation/page.query.js';

/** Stripe's statuses of a subscription (docs.stripe.com/api/subscriptions/object). */
const SUBSCRIPTION_STATUSES = [
  'active',
  'trialing',
  'past_due',
  'canceled',
  'incomplete',
  'incomplete_expired',
  'unpaid',
  'paused',
] as const;

/**
 * Stripe's statuses of a PaymentIntent (docs.stripe.com/api/payment_intents/object), and our two for refunds.
 */
const PAYMENT_STATUSES = [
  'succeeded',
  'partially_refunded',
  'refunded',
  'processing',
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'requires_capture',
  'canceled',
] as const;

const StatusFilter = (statuses: readonly string[]) =>
  QueryChoice({ description: 'Only those with this status', of: statuses, isOpen: true });

/** An id of Stripe's. Its form is not checked, since Stripe's documentation promises none. */
function StripeIdFilter(description: string, example: string): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      description,
      required: false,
      anyOf: [{ type: 'string', minLength: 1, maxLength: 255 }, { type: 'null' }],
      example,
    }),
    IsOptional(),
    Checked(textCheck(1, 255)),
  );
}

const ORDERS = ['created_at', 'updated_at'] as const;
export type ListOrder = (typeof ORDERS)[number];

/** Filters that all lists have. */
class LedgerQuery extends PageQuery {
  @QueryUuid({ description: 'Only rows with this `user_id`.' })
  user_id?: string;

  @StripeIdFilter('Only rows with this `customer_id`.', 'cus_aaaaaaaaaaaaaa')
  customer_id?: string;

  @QueryTime({ description: 'Only objects that Stripe created at this time or later.' })
  created_after?: Date;

  @QueryTime({ description: 'Only objects that Stripe created before this time.' })
  created_before?: Date;

  @QueryTime({
    description:
      'Only rows with `updated_at` at this time or later. To poll, read all pages, and use the last `updated_at` that you have seen for the next request.',
  })
  updated_since?: Date;

  @QueryChoice({
    description:
      'Newest first (`created_at`), or latest change last (`updated_at`, the default with `updated_since`)',
    of: ORDERS,
  })
  order?: ListOrder;
}

const TestMode = () =>
  QueryFlag({ description: 'Whether to list test mode instead of live mode.', default: true });
const SubscriptionId = () =>
  StripeIdFilter(
    "Only the subscription with this `subscription_id` (Stripe's id).",
    'sub_aaaaaaaaaaaaaaaaaaaaaaaa',
  );
const PaidSubscription = () =>
  QueryUuid({
    description: 'Only payments with this `subscription_id`.',
  });

const PaymentIntentId = () =>
  StripeIdFilter(
    "Only the payment with this `payment_intent_id` (Stripe's id).",
    'pi_aaaaaaaaaaaaaaaaaaaaaaaa',
  );

/** A page of one project's subscriptions. */
export class ProjectSubscriptionsQuery extends LedgerQuery {
  @TestMode()
  test_mode = true;

  @SubscriptionId()
  subscription_id?: string;

  @StatusFilter(SUBSCRIPTION_STATUSES)
  status?: string;
}

/** A page of one project's payments. */
export class ProjectPaymentsQuery extends LedgerQuery {
  @TestMode()
  test_mode = true;

  @PaymentIntentId()
  payment_intent_id?: string;

  @PaidSubscription()
  subscription_id?: string;

  @StatusFilter(PAYMENT_STATUSES)
  status?: string;
}

/** A page over all projects of a developer. */
class DeveloperListQuery extends LedgerQuery {
  @QueryUuid({ description: 'Only those of this project.' })
  project_id?: string;

  @QueryFlag({ description: 'Test mode only, or live mode only; by default both.' })
  test_mode?: boolean;
}

export class SubscriptionListQuery extends DeveloperListQuery {
  @SubscriptionId()
  subscription_id?: string;

  @StatusFilter(SUBSCRIPTION_STATUSES)
  status?: string;
}

export class PaymentListQuery extends DeveloperListQuery {
  @PaymentIntentId()
  payment_intent_id?: string;

  @PaidSubscription()
  subscription_id?: string;

  @StatusFilter(PAYMENT_STATUSES)
  status?: string;
}

export type AnyListQuery =
  ProjectSubscriptionsQuery | ProjectPaymentsQuery | SubscriptionListQuery | PaymentListQuery;

export class StatsQuery {
  @QueryFlag({ description: 'Whether test mode counts in addition to live mode.', default: true })
  test_mode = true;
}
