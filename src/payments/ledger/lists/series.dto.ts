import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ValidationFailed } from '../../../common/errors.js';
import { DAY_MS, dayOf, isDay, parseTime } from '../../../common/time.js';
import { ApiNullableString } from '../../../http/openapi/api-errors.js';
import { QueryChoice, QueryUuid } from '../../../http/validation/fields.js';
import { Checked } from '../../../http/validation/request.pipe.js';
import { STRIPE_MODES, type StripeMode } from '../../stripe/stripe-mode.js';
import { decimalsOf } from './decimals.js';
import { daysLater, type SeriesPoint, type SeriesRange } from './series.service.js';

export const SERIES_INTERVALS = ['day', 'week', 'month'] as const;
export type SeriesInterval = (typeof SERIES_INTERVALS)[number];

const DEFAULT_DAYS = 30;
const MAX_DAYS = 3_660;
/** Intervals around these days have years of four digits, so that days compare as texts. */
const [FIRST_DAY, LAST_DAY] = ['1970-01-01', '9998-12-31'];

const DayOrTime = (description: string, example: string) =>
  applyDecorators(
    ApiProperty({
      type: 'string',
      description,
      required: false,
      anyOf: [{ type: 'string', format: 'date' }, { type: 'string', format: 'date-time' }, { type: 'null' }],
      example,
    }),
    IsOptional(),
    Checked((value) => {
      const day = readDay(value);
      if (day === undefined)
        return {
          type: 'datetime_parsing',
          msg: 'must be a day as in 2026-11-21, or a time as in 2026-11-21T09:30:00Z',
        };
      return day >= FIRST_DAY && day <= LAST_DAY
        ? undefined
        : { type: 'value_error', msg: `must be from ${FIRST_DAY} to ${LAST_DAY}` };
    }),
  );

/** The day of a day or a time. */
function readDay(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (isDay(value)) return value;
  const time = parseTime(value);
  return time && dayOf(time);
}

/** Range and grid of a series. */
export class SeriesQuery {
  @DayOrTime(
    'The first day (UTC), or a time on that day. By default 29 days before the last day.',
    '2026-11-01',
  )
  from?: string;

  @DayOrTime('The last day (UTC, inclusive), or the exclusive end as a time. By default today.', '2026-11-30')
  to?: string;

  @QueryChoice({
    description: 'The length of one point; weeks begin on Monday',
    of: SERIES_INTERVALS,
    default: 'day',
  })
  interval: SeriesInterval = 'day';

  @QueryChoice({ description: 'Only this mode; by default the sum of both', of: STRIPE_MODES })
  mode?: StripeMode;
}

export class ReadableSeriesQuery extends SeriesQuery {
  @QueryUuid({ description: 'Only this project.' })
  project_id?: string;
}

/** @throws ValidationFailed if the range is empty or too long */
export function rangeOf({ from, to, interval, mode }: SeriesQuery, now: Date): SeriesRange {
  const lastDay = to === undefined ? dayOf(now) : isDay(to) ? to : lastDayBefore(to);
  const firstDay =
    from === undefined
      ? daysLater(lastDay, 1 - DEFAULT_DAYS)
      : isDay(from)
        ? from
        : dayOf(parseTime(from) ?? now);
  if (firstDay > lastDay) {
    const end = to === undefined ? 'today, the last day without `to`' : '`to`';
    throw new ValidationFailed([
      { loc: ['query', 'from'], msg: `must not be after ${end}`, type: 'value_error' },
    ]);
  }
  if (Date.parse(lastDay) - Date.parse(firstDay) >= MAX_DAYS * DAY_MS)
    throw new ValidationFailed([
      { loc: ['query', 'from'], msg: `must be within ${MAX_DAYS} days before \`to\``, type: 'value_error' },
    ]);
  return { firstDay, lastDay, interval, mode };
}

/** The end is exclusive, so midnight belongs to the day before. */
function lastDayBefore(time: string): string {
  const end = parseTime(time);
  return dayOf(end ? new Date(end.valueOf() - 1) : new Date());
}

@ApiSchema({ description: 'Revenue of one interval in one currency, in the smallest unit that Stripe uses.' })
class SeriesRevenue {
  @ApiProperty({ description: 'ISO 4217, in lower case.', type: String, example: 'usd' })
  currency: string;

  @ApiProperty({
    description: 'Decimals of the amounts: 2 for USD, 0 for JPY, 3 for KWD. Stripe uses 2 for ISK and UGX.',
    type: 'integer',
    example: 2,
  })
  decimals: number;

  @ApiProperty({
    description: 'Successful payments of the interval, including refunded ones.',
    type: 'integer',
    example: 1,
  })
  successful_payments: number;

  @ApiProperty({ description: 'Gross amount of these payments.', type: 'integer', example: 2000 })
  gross_revenue_cents: number;

  @ApiProperty({
    description: 'Refunds in the interval, including refunds of earlier payments.',
    type: 'integer',
    example: 0,
  })
  refunded_cents: number;

  @ApiProperty({
    description: 'Disputes that were opened in the interval, won or lost, with inquiries.',
    type: 'integer',
    example: 0,
  })
  disputes: number;

  @ApiProperty({ description: 'Amount of these disputes.', type: 'integer', example: 0 })
  disputed_cents: number;

  @ApiProperty({
    description: 'Gross less refunds, and less lost disputes that were opened in the interval.',
    type: 'integer',
    example: 2000,
  })
  net_revenue_cents: number;
}

@ApiSchema({ description: 'One interval of the series.' })
class StatsSeriesPoint {
  @ApiProperty({
    description: 'First day of the interval (UTC).',
    type: String,
    format: 'date',
    example: '2026-11-21',
  })
  start: string;

  @ApiProperty({
    description:
      'Subscriptions that are active or trialing at the end of the interval, or now if it has not ended.',
    type: 'integer',
    example: 1,
  })
  active_subscriptions: number;

  @ApiProperty({
    description: 'One entry for each currency of the series, in the order of their names.',
    type: [SeriesRevenue],
  })
  revenue: SeriesRevenue[];
}

@ApiSchema({ description: 'Revenue and active subscriptions over time. Currencies are never added up.' })
export class StatsSeriesResponse {
  @ApiProperty({
    description: 'The requested first day.',
    type: String,
    format: 'date',
    example: '2026-11-21',
  })
  from: string;

  @ApiProperty({
    description: 'The requested last day, inclusive.',
    type: String,
    format: 'date',
    example: '2026-11-21',
  })
  to: string;

  @ApiProperty({ description: 'The length of one point.', enum: SERIES_INTERVALS, example: 'day' })
  interval: SeriesInterval;

  @ApiNullableString({ description: '`test`, `live`, or `null` for both.', example: 'test' })
  mode: StripeMode | null;

  @ApiProperty({
    description:
      'All intervals from `from` to `to`, oldest first. The first and the last interval are complete.',
    type: [StatsSeriesPoint],
  })
  points: StatsSeriesPoint[];
}

export function toSeriesResponse(
  { firstDay, lastDay, interval, mode }: SeriesRange,
  points: readonly SeriesPoint[],
): StatsSeriesResponse {
  return {
    from: firstDay,
    to: lastDay,
    interval,
    mode: mode ?? null,
    points: points.map(({ start, activeSubscriptions, revenue }) => ({
      start,
      active_subscriptions: activeSubscriptions,
      revenue: [...revenue].map(([currency, amounts]) => ({
        currency,
        decimals: decimalsOf(currency),
        successful_payments: amounts.payments,
        gross_revenue_cents: amounts.grossCents,
        refunded_cents: amounts.refundedCents,
        disputes: amounts.disputes,
        disputed_cents: amounts.disputedCents,
        net_revenue_cents: amounts.netCents,
      })),
    })),
  };
}
