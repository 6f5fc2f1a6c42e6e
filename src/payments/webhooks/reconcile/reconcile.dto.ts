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
  /** Events that were applied, and had never arrived. */
  missedEvents = 0;
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

@ForbidUnknownFields({ name: 'StripeReconcileRequest', description: 'The reconciliation to run.' })
export class ReconcileRequest {
  @StripeModeField('The mode.')
  mode: StripeMode;

  @PastTime(
    'Start of the events to read; by default the end of the last complete run. Stripe keeps events for 30 days.',
  )
  since?: string | number | null;
}

@ApiSchema({ name: 'StripeReconcileEvents', description: 'Number of events that were read.' })
class ReconcileEvents {
  @ApiProperty({ description: 'Number of objects that Stripe listed.', type: 'integer', example: 12 })
  read: number;

  @ApiProperty({ description: 'Events that were applied or ignored before.', type: 'integer', example: 10 })
  known: number;

  @ApiProperty({ description: 'Missing events that were applied.', type: 'integer', example: 2 })
  applied: number;

  @ApiProperty({ description: 'Missing events without an effect here.', type: 'integer', example: 0 })
  ignored: number;

  @ApiProperty({
    description: 'Events in a form that this version does not know.',
    type: 'integer',
    example: 0,
  })
  unreadable: number;

  @ApiProperty({ description: 'Events that could not be applied.', type: 'integer', example: 0 })
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

  @ApiProperty({ description: 'Type of the event.', type: String, example: 'invoice.paid' })
  type: string;

  @ApiProperty({
    description: 'Reason of the failure.',
    type: String,
    example: 'Stripe can not be reached at the moment; try again shortly.',
  })
  reason: string;
}

@ApiSchema({
  name: 'StripeReconcileSubscriptions',
  description: 'Number of subscriptions that were compared.',
})
class ReconcileSubscriptions {
  @ApiProperty({ description: 'Number of objects that Stripe listed.', type: 'integer', example: 7 })
  compared: number;

  @ApiProperty({
    description: "Subscriptions that differed from Stripe's and were repaired.",
    type: 'integer',
    example: 1,
  })
  repaired: number;

  @ApiProperty({
    description: "Stripe's ids of the first 100.",
    type: [String],
    example: ['sub_1AAAAAAAAAAAAAAAAAAAAAAA'],
  })
  repaired_ids: string[];

  @ApiProperty({
    description:
      'Active subscriptions that Stripe does not have, because test data was deleted or the key is of another account. They are not changed.',
    type: 'integer',
    example: 0,
  })
  missing_at_stripe: number;

  @ApiProperty({ description: "Stripe's ids of the first 100.", type: [String], example: [] })
  missing_at_stripe_ids: string[];
}

@ApiSchema({ name: 'StripeReconcileResponse', description: 'The report of a reconciliation.' })
export class ReconcileResponse {
  @ApiProperty({ description: 'The mode.', enum: STRIPE_MODES, example: 'test' })
  mode: StripeMode;

  @ApiTime('Start of the events that were read.')
  since: string;

  @ApiProperty({
    description: 'Whether the run is complete. Otherwise send the same request again to continue.',
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
