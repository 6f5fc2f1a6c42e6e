import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { readPastTime } from '../../../common/typed-text.js';
import { ApiTime } from '../../../http/openapi/api-errors.js';
import { Checked, ForbidUnknownFields } from '../../../http/validation/request.pipe.js';
import { STRIPE_MODES, type StripeMode, StripeModeField } from '../../stripe/stripe-mode.js';

/** Limits each list of ids in the report. */
const MAX_NAMED = 100;

interface FailedEvent {
  readonly id: string;
  readonly type: string;
  /** Never Stripe's own text. */
  readonly reason: string;
}

/** Counts and ids of a reconciliation, filled while it runs. */
export class ReconcileReport {
  isComplete = false;
  /** `known` were applied or ignored before. */
  readonly events = { read: 0, known: 0, applied: 0, ignored: 0, unreadable: 0, failed: 0 };
  /** The first 100 failed events. */
  readonly failures: FailedEvent[] = [];
  /** `repaired` differed from Stripe's. `missing` have not ended here, but Stripe doesn't have them. */
  readonly subscriptions = { compared: 0, repaired: 0, missing: 0 };
  /** Stripe's ids of the first 100. */
  readonly repaired: string[] = [];
  /** Stripe's ids of the first 100. */
  readonly missing: string[] = [];

  constructor(
    readonly mode: StripeMode,
    readonly since: Date,
  ) {}

  addFailure(failure: FailedEvent): void {
    this.events.failed += 1;
    if (this.failures.length < MAX_NAMED) this.failures.push(failure);
  }

  addRepair(subscriptionId: string): void {
    this.subscriptions.repaired += 1;
    if (this.repaired.length < MAX_NAMED) this.repaired.push(subscriptionId);
  }

  addMissing(subscriptionId: string): void {
    this.subscriptions.missing += 1;
    if (this.missing.length < MAX_NAMED) this.missing.push(subscriptionId);
  }
}

function PastTime(description: string): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      description,
      anyOf: [{ type: 'string', format: 'date-time' }, { type: 'integer', minimum: 0 }, { type: 'null' }],
      example: '2026-11-01T00:00:00Z',
      required: false,
    }),
    IsOptional(),
    Checked((value) =>
      readPastTime(value)
        ? undefined
        : {
            type: 'value_error',
            msg: 'must be a time that has been: 2026-11-01T00:00:00Z, or whole seconds since 1970',
          },
    ),
  );
}

@ForbidUnknownFields({ name: 'StripeReconcileRequest', description: 'What to compare with Stripe.' })
export class ReconcileRequest {
  @StripeModeField('Of which mode.')
  mode: StripeMode;

  @PastTime(
    'From when on to read events; by default from when all of them are known. Stripe keeps them for 30 days.',
  )
  since?: string | number | null;
}

@ApiSchema({ name: 'StripeReconcileEvents', description: 'How many events were read.' })
class ReconcileEvents {
  @ApiProperty({ description: 'How many Stripe has.', type: 'integer', example: 12 })
  read: number;

  @ApiProperty({ description: 'How many were applied or ignored before.', type: 'integer', example: 10 })
  known: number;

  @ApiProperty({ description: 'How many were missing and are applied now.', type: 'integer', example: 2 })
  applied: number;

  @ApiProperty({ description: 'How many were missing and change nothing here.', type: 'integer', example: 0 })
  ignored: number;

  @ApiProperty({
    description: 'How many are in a form that this version does not know.',
    type: 'integer',
    example: 0,
  })
  unreadable: number;

  @ApiProperty({ description: 'How many could not be applied.', type: 'integer', example: 0 })
  failed: number;
}

@ApiSchema({ name: 'StripeReconcileFailure', description: 'An event that could not be applied.' })
class ReconcileFailure {
  @ApiProperty({
    description: "Stripe's id of the event.",
    type: String,
    example: 'evt_1AAAAAAAAAAAAAAAAAAAAAAA',
  })
  id: string;

  @ApiProperty({ description: 'What happened.', type: String, example: 'invoice.paid' })
  type: string;

  @ApiProperty({
    description: 'Why it failed.',
    type: String,
    example: 'Stripe can not be reached at the moment; try again shortly.',
  })
  reason: string;
}

@ApiSchema({ name: 'StripeReconcileSubscriptions', description: 'How many subscriptions were compared.' })
class ReconcileSubscriptions {
  @ApiProperty({ description: 'How many Stripe has.', type: 'integer', example: 7 })
  compared: number;

  @ApiProperty({
    description: 'How many were not here as Stripe has them, and are now.',
    type: 'integer',
    example: 1,
  })
  repaired: number;

  @ApiProperty({
    description: "Stripe's ids of the first 100 of those.",
    type: [String],
    example: ['sub_1AAAAAAAAAAAAAAAAAAAAAAA'],
  })
  repaired_ids: string[];

  @ApiProperty({
    description:
      'How many are not over here, and Stripe has none such: of test data that was deleted, or of another account. They stay.',
    type: 'integer',
    example: 0,
  })
  missing_at_stripe: number;

  @ApiProperty({ description: "Stripe's ids of the first 100 of those.", type: [String], example: [] })
  missing_at_stripe_ids: string[];
}

@ApiSchema({ name: 'StripeReconcileResponse', description: 'What was missing or different.' })
export class ReconcileResponse {
  @ApiProperty({ description: 'Of which mode.', enum: STRIPE_MODES, example: 'test' })
  mode: StripeMode;

  @ApiTime('From when on events were read.')
  since: string;

  @ApiProperty({
    description: 'Whether it came to its end. If not, the same request goes on from there.',
    type: Boolean,
    example: true,
  })
  complete: boolean;

  @ApiProperty({ type: ReconcileEvents })
  events: ReconcileEvents;

  @ApiProperty({ description: 'The first 100 events that could not be applied.', type: [ReconcileFailure] })
  failures: ReconcileFailure[];

  @ApiProperty({ type: ReconcileSubscriptions })
  subscriptions: ReconcileSubscriptions;
}

export function toReconcileResponse(report: ReconcileReport): ReconcileResponse {
  const { compared, repaired, missing } = report.subscriptions;
  return {
    mode: report.mode,
    since: report.since.toISOString(),
    complete: report.isComplete,
    events: { ...report.events },
    failures: report.failures,
    subscriptions: {
      compared,
      repaired,
      repaired_ids: report.repaired,
      missing_at_stripe: missing,
      missing_at_stripe_ids: report.missing,
    },
  };
}
