import { applyDecorators, Controller, Get, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiSchema,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import { ApiEvents, type DocumentedEvent } from '../../http/openapi/webhooks.js';
import { QueryNumber } from '../../http/validation/fields.js';
import { Checked } from '../../http/validation/request.pipe.js';
import type { Project } from '../../projects/project.entity.js';
import { CurrentProject, RequiresPermission } from '../../projects/permissions/project.guards.js';
import { eventBody, EventLog } from './event-log.js';
import { EVENT_TYPE_NAMES, type EventType, eventSchema, SUBSCRIBABLE_TYPES } from './event-types.js';

const MAX_PAGE = 1_000;
const CURSOR = /^\d{1,16}$/;
const TYPE_LIST = '^[a-z_]+\\.[a-z_]+(,[a-z_]+\\.[a-z_]+)*$';

/** Types in a query, separated by commas. */
function QueryEventTypes(description: string): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      description: `${description}, separated by commas: ${SUBSCRIBABLE_TYPES.join(', ')}.`,
      type: 'string',
      pattern: TYPE_LIST,
      required: false,
      example: 'payment.succeeded,payment.failed',
    }),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.split(',') : value)),
    IsOptional(),
    Checked((value) =>
      Array.isArray(value) && value.every((type) => SUBSCRIBABLE_TYPES.some((known) => known === type))
        ? undefined
        : { type: 'enum', msg: `must be names from ${SUBSCRIBABLE_TYPES.join(', ')}, separated by commas` },
    ),
  );
}

class EventsQuery {
  @ApiProperty({
    description: '`next_cursor` of the page before. Without it, the oldest events that are kept come first.',
    type: 'string',
    pattern: CURSOR.source,
    required: false,
    example: '1795253400000000',
  })
  @IsOptional()
  @Checked((value) =>
    typeof value === 'string' && CURSOR.test(value)
      ? undefined
      : { type: 'value_error', msg: 'must be a next_cursor that this service returned' },
  )
  cursor?: string;

  @QueryEventTypes('Only these types')
  types?: EventType[];

  @QueryNumber({ description: 'How many events a page has.', minimum: 1, maximum: MAX_PAGE, default: 100 })
  limit = 100;
}

@ApiSchema({ name: 'EventList', description: 'Some events in the order in which they were published.' })
class EventListResponse {
  @ApiProperty({
    description: 'The events, as destinations get them.',
    type: 'array',
    items: { anyOf: SUBSCRIBABLE_TYPES.map((type) => ({ $ref: getSchemaPath(eventSchemaName(type)) })) },
    example: [eventSchema('subscription.created').example],
  })
  events: object[];

  @ApiProperty({
    description: 'The cursor of the next request. There is always one: ask again with it later.',
    type: String,
    example: '1795253400000000',
  })
  next_cursor: string;
}

/** The name of an event's schema in the OpenAPI document: `PaymentSucceededEvent`. */
function eventSchemaName(type: EventType): string {
  const words = type.split(/[._]/).map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
  return `${words.join('')}Event`;
}

const DOCUMENTED_EVENTS: readonly DocumentedEvent[] = EVENT_TYPE_NAMES.map((type) => ({
  type,
  schemaName: eventSchemaName(type),
  schema: eventSchema(type),
}));

@ApiTags('Events')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@Controller('payments/stripe/projects/:project_id/events')
export class EventsController {
  constructor(private readonly log: EventLog) {}

  @Get()
  @RequiresPermission('event-log:read')
  @ApiEvents(DOCUMENTED_EVENTS)
  @ApiOperation({
    operationId: 'pullEvents',
    summary: 'Pull events',
    description:
      'The events that destinations get, for consumers that can not be reached from outside. They are kept for 30 days. Keep `next_cursor`, and ask again with it.',
  })
  @ApiOkResponse({ description: 'The next events.', type: EventListResponse })
  @ApiErrors({ project: true })
  async pull(@CurrentProject() { id }: Project, @Query() query: EventsQuery): Promise<EventListResponse> {
    const { cursor = '0', types = null, limit } = query;
    const { events, next } = await this.log.pull(id, { after: Number(cursor), types, limit });
    return { events: events.map(eventBody), next_cursor: String(next) };
  }
}
