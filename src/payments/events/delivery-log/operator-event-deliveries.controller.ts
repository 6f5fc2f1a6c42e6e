import { Body, Controller, Get, HttpCode, HttpStatus, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ForOperators } from '../../../auth/route-access.js';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { UuidPipe } from '../../../http/validation/fields.js';
import { DESTINATION, DESTINATION_ID } from '../destinations/event-destinations.controller.js';
import { NO_OPERATOR_DESTINATION } from '../destinations/operator-event-destinations.controller.js';
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
import { DELIVERY, DELIVERY_ID } from './event-deliveries.controller.js';

const NO_DELIVERY = {
  404: 'There is no such event destination of the operator, or it has no delivery of this event.',
};

@ApiTags('Operator')
@ApiBearerAuth('HTTPBearer')
@Controller('operator/event-destinations/:destination_id')
export class OperatorEventDeliveriesController {
  constructor(private readonly deliveries: DeliveriesService) {}

  @Get('deliveries')
  @ForOperators('viewer')
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'listOperatorEventDeliveries',
    summary: 'List the deliveries to an event destination of the operator',
    description: 'With their attempts, and the beginning of the last answer. They are kept for 30 days.',
  })
  @ApiOkResponse({ description: 'One page.', type: EventDeliveryListResponse })
  @ApiErrors({ meaning: NO_OPERATOR_DESTINATION })
  async list(
    @Param(DESTINATION, UuidPipe) id: string,
    @Query() query: EventDeliveriesQuery,
  ): Promise<EventDeliveryListResponse> {
    return toListResponse(await this.deliveries.list(null, id, readFilter(query)));
  }

  @Post(`deliveries/:${DELIVERY}/retry`)
  @HttpCode(HttpStatus.OK)
  @ForOperators('admin')
  @DESTINATION_ID
  @DELIVERY_ID
  @ApiOperation({
    operationId: 'retryOperatorEventDelivery',
    summary: 'Send an event to a destination of the operator again',
    description: 'At once, and with all retries. A delivered event is sent again, too.',
  })
  @ApiOkResponse({ description: 'The delivery as it is now.', type: EventDeliveryResponse })
  @ApiErrors({ body: true, meaning: NO_DELIVERY })
  async retry(
    @Param(DESTINATION, UuidPipe) id: string,
    @Param(DELIVERY, UuidPipe) eventId: string,
  ): Promise<EventDeliveryResponse> {
    return toDeliveryResponse(await this.deliveries.retry(null, id, eventId));
  }

  @Post('recover')
  @HttpCode(HttpStatus.OK)
  @ForOperators('admin')
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'recoverOperatorEventDestination',
    summary: 'Send a destination of the operator what it missed',
    description:
      'Events since then whose delivery failed, and those without a delivery because the destination was disabled, did not exist, or did not receive their type. At most 10,000 of each at once.',
  })
  @ApiOkResponse({ description: 'How many are sent again.', type: EventRecoverResponse })
  @ApiErrors({ body: true, meaning: NO_OPERATOR_DESTINATION })
  async recover(
    @Param(DESTINATION, UuidPipe) id: string,
    @Body() { since }: EventRecoverRequest,
  ): Promise<EventRecoverResponse> {
    const { count, hasMore } = await this.deliveries.recover(null, id, since);
    return { deliveries: count, has_more: hasMore };
  }

  @Post('test')
  @HttpCode(HttpStatus.OK)
  @ForOperators('admin')
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'testOperatorEventDestination',
    summary: 'Send a test event to a destination of the operator',
    description:
      'At once and one time, also to a disabled destination. The answer shows what the receiver answered.',
  })
  @ApiOkResponse({ description: 'The delivery with its attempt.', type: EventDeliveryResponse })
  @ApiErrors({ body: true, meaning: NO_OPERATOR_DESTINATION })
  async test(@Param(DESTINATION, UuidPipe) id: string): Promise<EventDeliveryResponse> {
    return toDeliveryResponse(await this.deliveries.test(null, id));
  }
}
