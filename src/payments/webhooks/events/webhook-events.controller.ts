import { Controller, Get, HttpCode, HttpStatus, Param, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiGoneResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
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
    const { mode = null, type = null, outcome = null, page, page_size } = query;
    const { events, total } = await this.events.list(
      id,
      { mode, type, outcome },
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

  @Post(':event_id/replay')
  @RequiresPermission('events:replay')
  @HttpCode(HttpStatus.OK)
  @ApiParam({
    name: 'event_id',
    description: "Stripe's id of the event.",
    example: 'evt_1AAAAAAAAAAAAAAAAAAAAAAA',
  })
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
