import { Body, Controller, Get, HttpCode, HttpStatus, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { UuidPipe } from '../../../http/validation/fields.js';
import type { Project } from '../../../projects/project.entity.js';
import { CurrentProject, RequiresPermission } from '../../../projects/permissions/project.guards.js';
import {
  DESTINATION,
  DESTINATION_ID,
  NO_DESTINATION,
} from '../destinations/event-destinations.controller.js';
import { DeliveriesService } from './deliveries.service.js';
import {
  EventDeliveriesQuery,
  EventDeliveryListResponse,
  EventDeliveryResponse,
  EventRecoverRequest,
  EventRecoverResponse,
  readFilter,
  toDeliveryResponse,
  toListResponse,
} from './event-delivery.dto.js';

export const DELIVERY = 'delivery_id';
export const DELIVERY_ID = ApiParam({
  name: DELIVERY,
  description: 'The id of the delivery, which is that of its event.',
  schema: { type: 'string', format: 'uuid' },
});
const NO_DELIVERY = `${NO_DESTINATION}, or it has no delivery of this event`;

@ApiTags('Events')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('event-destinations:write')
@Controller('payments/stripe/projects/:project_id/event-destinations/:destination_id')
export class EventDeliveriesController {
  constructor(private readonly deliveries: DeliveriesService) {}

  @Get('deliveries')
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'listEventDeliveries',
    summary: 'List the deliveries to an event destination',
    description: 'With their attempts, and the beginning of the last answer. They are kept for 30 days.',
  })
  @ApiOkResponse({ description: 'One page.', type: EventDeliveryListResponse })
  @ApiErrors({ project: true, orMissing: NO_DESTINATION })
  async list(
    @CurrentProject() { id: projectId }: Project,
    @Param(DESTINATION, UuidPipe) id: string,
    @Query() query: EventDeliveriesQuery,
  ): Promise<EventDeliveryListResponse> {
    return toListResponse(await this.deliveries.list(projectId, id, readFilter(query)));
  }

  @Post(`deliveries/:${DELIVERY}/retry`)
  @HttpCode(HttpStatus.OK)
  @DESTINATION_ID
  @DELIVERY_ID
  @ApiOperation({
    operationId: 'retryEventDelivery',
    summary: 'Send an event to a destination again',
    description: 'At once, and with all retries. A delivered event is sent again, too.',
  })
  @ApiOkResponse({ description: 'The delivery as it is now.', type: EventDeliveryResponse })
  @ApiErrors({ project: true, body: true, orMissing: NO_DELIVERY })
  async retry(
    @CurrentProject() { id: projectId }: Project,
    @Param(DESTINATION, UuidPipe) id: string,
    @Param(DELIVERY, UuidPipe) eventId: string,
  ): Promise<EventDeliveryResponse> {
    return toDeliveryResponse(await this.deliveries.retry(projectId, id, eventId));
  }

  @Post('recover')
  @HttpCode(HttpStatus.OK)
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'recoverEventDestination',
    summary: 'Send a destination what it missed',
    description:
      'Events since then whose delivery failed, and those without a delivery because the destination was disabled, did not exist, or did not receive their type. At most 10,000 of each at once.',
  })
  @ApiOkResponse({ description: 'How many are sent again.', type: EventRecoverResponse })
  @ApiErrors({ project: true, body: true, orMissing: NO_DESTINATION })
  async recover(
    @CurrentProject() { id: projectId }: Project,
    @Param(DESTINATION, UuidPipe) id: string,
    @Body() { since }: EventRecoverRequest,
  ): Promise<EventRecoverResponse> {
    const { count, hasMore } = await this.deliveries.recover(projectId, id, since);
    return { deliveries: count, has_more: hasMore };
  }

  @Post('test')
  @HttpCode(HttpStatus.OK)
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'testEventDestination',
    summary: 'Send a test event to a destination',
    description:
      'At once and one time, also to a disabled destination. The answer shows what the receiver answered.',
  })
  @ApiOkResponse({ description: 'The delivery with its attempt.', type: EventDeliveryResponse })
  @ApiErrors({ project: true, body: true, orMissing: NO_DESTINATION })
  async test(
    @CurrentProject() { id: projectId }: Project,
    @Param(DESTINATION, UuidPipe) id: string,
  ): Promise<EventDeliveryResponse> {
    return toDeliveryResponse(await this.deliveries.test(projectId, id));
  }
}
