import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { parseProjectId } from '../../../common/ids.js';
import { QueryFlag } from '../../../http/validation/fields.js';
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

/** Statuses in which the customer receives the service. */
export const ACTIVE_STATUSES: readonly string[] = ['active', 'trialing'];

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

function StatusFilter(statuses: readonly string[]): PropertyDecorator {
  const named = statuses.join(', ');
  return applyDecorators(
    ApiProperty({
      description: `Only those with this status: one of ${named}.`,
      required: false,
      anyOf: [{ type: 'string' }, { type: 'null' }],
      example: statuses[0],
    }),
    IsOptional(),
    Checked((value) =>
      statuses.some((status) => status === value)
        ? undefined
        : { type: 'enum', msg: `must be one of ${named}` },
    ),
  );
}

/** A page of one project's rows. */
export class ProjectListQuery extends PageQuery {
  @QueryFlag({ description: 'Whether to list test mode; else live mode.', default: true })
  test_mode = true;
}

/** A page over all projects of a developer. */
class DeveloperListQuery extends PageQuery {
  @ApiProperty({
    description: 'Only those of this project.',
    required: false,
    anyOf: [{ type: 'string', format: 'uuid' }, { type: 'null' }],
    example: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11',
  })
  @IsOptional()
  @Checked((value) =>
    typeof value === 'string' && parseProjectId(value)
      ? undefined
      : { type: 'uuid_parsing', msg: 'must be a UUID' },
  )
  project_id?: string;

  @QueryFlag({ description: 'Only those of test mode, or of live mode; without it those of both.' })
  test_mode?: boolean;
}

export class SubscriptionListQuery extends DeveloperListQuery {
  @StatusFilter(SUBSCRIPTION_STATUSES)
  status?: string;
}

export class PaymentListQuery extends DeveloperListQuery {
  @StatusFilter(PAYMENT_STATUSES)
  status?: string;
}

export class StatsQuery {
  @QueryFlag({ description: 'Whether test mode counts as well; else live mode alone.', default: true })
  test_mode = true;
}
