import { Controller, Get, Header, HttpCode, HttpStatus, Param, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiGoneResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentActor } from '../../../auth/caller.js';
import type { Actor } from '../../../common/actor.js';
import { ApiErrors, ErrorResponse } from '../../../http/openapi/api-errors.js';
import { offsetOf } from '../../../http/validation/page.query.js';
import { CurrentProject, RequiresPermission } from '../../../projects/permissions/project.guards.js';
import type { Project } from '../../../projects/project.entity.js';
import {
  toEventResponse,
  toRefusalsResponse,
  WebhookEventListResponse,
  WebhookEventResponse,
  WebhookEventsQuery,
} from './webhook-events.dto.js';
import { WebhookEventsService } from './webhook-events.service.js';

const EVENT_ID = ApiParam({
  name: 'event_id',
  description: "Stripe's id of the event.",
  example: 'evt_1AAAAAAAAAAAAAAAAAAAAAAA',
});
const PAYLOAD = {
  type: 'object',
  additionalProperties: true,
  example: { id: 'evt_1AAAAAAAAAAAAAAAAAAAAAAA', object: 'event', type: 'invoice.paid' },
};

@ApiTags('Webhooks')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@Controller('payments/stripe/projects/:project_id/webhook-events')
export class WebhookEventsController {
  constructor(private readonly events: WebhookEventsService) {}

  @Get()
  @RequiresPermission('events:read')
  @ApiOperation({
    operationId: 'listStripeEvents',
    summary: 'List the events that arrived',
    description: "Stripe's events with their outcomes, newest first, and the refused deliveries by reason.",
  })
  @ApiOkResponse({ description: 'One page of the events.', type: WebhookEventListResponse })
  @ApiErrors({ project: true })
  async list(
    @CurrentProject() { id }: Project,
    @Query() query: WebhookEventsQuery,
  ): Promise<WebhookEventListResponse> {
    const { mode = null, type = null, outcome = null, object_id: objectId = null, page, page_size } = query;
    const { events, total } = await this.events.list(
      id,
      { mode, type, outcome, objectId },
      { offset: offsetOf(query), limit: page_size },
    );
    const refusals = await this.events.refusals(id, mode);
    return {
      events: events.map(toEventResponse),
      total,
      page,
      page_size,
      refusals: refusals.map(toRefusalsResponse),
    };
  }

  @Get(':event_id/payload')
  @RequiresPermission('events:payload')
  @Header('content-type', 'application/json; charset=utf-8')
  @EVENT_ID
  @ApiOperation({
    operationId: 'getStripeEventPayload',
    summary: "Get an event's payload",
    description:
      'The event as Stripe sent it, with the data of a customer. The history records who reads it.',
  })
  @ApiOkResponse({ description: "Stripe's event.", schema: PAYLOAD })
  @ApiGoneResponse({ description: 'The payload of this event was deleted.', type: ErrorResponse })
  @ApiErrors({ project: true, orMissing: 'no event with this id arrived' })
  payload(
    @CurrentProject() { id }: Project,
    @Param('event_id') eventId: string,
    @CurrentActor() actor: Actor,
  ): Promise<string> {
    return this.events.readPayload(id, eventId, actor);
  }

  @Post(':event_id/replay')
  @RequiresPermission('events:replay')
  @HttpCode(HttpStatus.OK)
  @EVENT_ID
  @ApiOperation({
    operationId: 'replayStripeEvent',
    summary: 'Handle an event once more',
    description:
      'Handles the stored event again, as if Stripe had sent it again. An event that was applied before changes nothing twice. The payload must still be stored.',
  })
  @ApiOkResponse({ description: 'The event as it is now.', type: WebhookEventResponse })
  @ApiGoneResponse({ description: 'The payload of this event was deleted.', type: ErrorResponse })
  @ApiConflictResponse({
    description: 'Stripe must be asked, and refuses the stored key.',
    type: ErrorResponse,
  })
  @ApiErrors({ project: true, orMissing: 'no event with this id arrived', body: true })
  async replay(
    @CurrentProject() { id }: Project,
    @Param('event_id') eventId: string,
  ): Promise<WebhookEventResponse> {
    return toEventResponse(await this.events.replay(id, eventId));
  }
}
