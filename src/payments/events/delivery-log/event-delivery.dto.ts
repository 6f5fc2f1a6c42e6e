import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { parseTime } from '../../../common/time.js';
import { ApiNullableString, ApiNullableTime, ApiTime, ApiUuid } from '../../../http/openapi/api-errors.js';
import { QueryChoice, QueryNumber, QueryUuid } from '../../../http/validation/fields.js';
import { Checked, ForbidUnknownFields } from '../../../http/validation/request.pipe.js';
import type { DeliveryRow } from '../delivery/deliveries.statements.js';
import { DELIVERY_STATES, type DeliveryState } from '../delivery/event-delivery.entity.js';
import type { LoggedAttempt } from '../delivery/retries.js';
import { EVENT_TYPE_NAMES, type EventType } from '../event-types.js';
import type { DeliveryFilter, DeliveryPage } from './deliveries.service.js';

export class EventDeliveriesQuery {
  @QueryChoice({ description: 'Only those in this state', of: DELIVERY_STATES })
  state?: DeliveryState;

  @QueryChoice({ description: 'Only those of this type', of: EVENT_TYPE_NAMES })
  type?: EventType;

  @QueryUuid({ description: '`next_cursor` of the page before.' })
  cursor?: string;

  @QueryNumber({
    description: 'How many deliveries a page has; fewer if their answers are large together.',
    minimum: 1,
    maximum: 100,
    default: 20,
  })
  limit = 20;
}

@ForbidUnknownFields({ description: 'Since when events are to be sent again.' })
export class EventRecoverRequest {
  @ApiProperty({
    description: 'Events from this time on: RFC 3339, with `Z` or an offset, not in the future.',
    type: 'string',
    format: 'date-time',
    example: '2026-11-21T09:30:00.000Z',
  })
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? (parseTime(value) ?? value) : value,
  )
  @Checked((value) => {
    if (value === undefined) return { type: 'missing', msg: 'is required' };
    if (!(value instanceof Date))
      return {
        type: 'datetime_parsing',
        msg: 'must be a time as in 2026-11-21T09:30:00Z, with Z or an offset',
      };
    return value.getTime() > Date.now()
      ? { type: 'value_error', msg: 'must not be in the future' }
      : undefined;
  })
  since: Date;
}

@ApiSchema({ description: 'Deliveries that are sent again.' })
export class EventRecoverResponse {
  @ApiProperty({ description: 'How many deliveries are sent again.', type: 'integer', example: 12 })
  deliveries: number;

  @ApiProperty({
    description: 'Whether there are more: repeat the request when these are delivered.',
    type: Boolean,
    example: false,
  })
  has_more: boolean;
}

@ApiSchema({ description: 'One attempt to deliver an event.' })
class EventAttempt {
  @ApiTime('When it began.')
  at: string;

  @ApiProperty({
    description: "The answer's status; `null` without an answer.",
    anyOf: [{ type: 'integer' }, { type: 'null' }],
    example: 503,
  })
  status: number | null;

  @ApiProperty({ description: 'How long it took, in milliseconds.', type: 'integer', example: 84 })
  duration_ms: number;

  @ApiNullableString({
    description: 'Why it failed; `null` after a success.',
    example: 'The receiver answered 503.',
  })
  error: string | null;
}

@ApiSchema({ description: 'The delivery of an event to a destination.' })
export class EventDeliveryResponse {
  @ApiUuid('The id of the event, which identifies its delivery to the destination too.')
  id: string;

  @ApiProperty({ description: 'The type of the event.', type: String, example: 'payment.succeeded' })
  type: string;

  @ApiProperty({
    description:
      '`pending`: it waits for its first or next attempt. `delivered`: an answer was 2xx. `failed`: every attempt failed.',
    enum: DELIVERY_STATES,
    example: 'pending',
  })
  state: DeliveryState;

  @ApiProperty({ description: 'The last attempts, at most 20, the oldest first.', type: [EventAttempt] })
  attempts: EventAttempt[];

  @ApiNullableTime('When the next attempt is due; `null` if there is none, or while it is made.')
  next_attempt_at: string | null;

  @ApiNullableString({
    description: 'The first 64 KB of the last answer. Secrets of the destination are hidden in it.',
    example: 'Try again later',
  })
  response: string | null;

  @ApiTime('When the delivery was made.')
  created_at: string;
}

@ApiSchema({ description: 'One page of deliveries, the newest event first.' })
export class EventDeliveryListResponse {
  @ApiProperty({ description: 'The deliveries.', type: [EventDeliveryResponse] })
  deliveries: EventDeliveryResponse[];

  @ApiNullableString({
    description: 'The cursor of the next page; `null` on the last one.',
    example: '019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34',
  })
  next_cursor: string | null;
}

export function readFilter({ state, type, cursor, limit }: EventDeliveriesQuery): DeliveryFilter {
  return { state: state ?? null, type: type ?? null, before: cursor ?? null, limit };
}

export function toDeliveryResponse(row: DeliveryRow): EventDeliveryResponse {
  const log = JSON.parse(row.log) as LoggedAttempt[];
  return {
    id: row.eventId,
    type: row.type,
    state: row.state,
    attempts: log.map(({ at, status, duration_ms, error }) => ({ at, status, duration_ms, error })),
    next_attempt_at: plannedAt(row.dueAt, log),
    response: row.response,
    created_at: row.createdAt.toISOString(),
  };
}

/** @returns `null` during an attempt, when `dueAt` is the end of its lease */
function plannedAt(dueAt: Date | null, log: readonly LoggedAttempt[]): string | null {
  const due = dueAt?.toISOString() ?? null;
  const isDue = dueAt !== null && dueAt.getTime() <= Date.now();
  return isDue || due === log.at(-1)?.next_at ? due : null;
}

export function toListResponse({ deliveries, hasMore }: DeliveryPage): EventDeliveryListResponse {
  return {
    deliveries: deliveries.map(toDeliveryResponse),
    next_cursor: hasMore ? (deliveries.at(-1)?.eventId ?? null) : null,
  };
}
