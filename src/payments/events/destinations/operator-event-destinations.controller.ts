import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Post, Put, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentActor } from '../../../auth/caller.js';
import { ForOperators } from '../../../auth/route-access.js';
import type { Actor } from '../../../common/actor.js';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { QueryChoice, UuidPipe } from '../../../http/validation/fields.js';
import { Idempotent, orBusy } from '../../idempotency/idempotency.interceptor.js';
import { STRIPE_MODES, type StripeMode } from '../../stripe/stripe-mode.js';
import { DestinationsService } from './destinations.service.js';
import {
  EventDestinationCreateRequest,
  EventDestinationResponse,
  EventDestinationRotateRequest,
  EventDestinationSecretResponse,
  EventDestinationUpdateRequest,
  readNewSettings,
  readSettings,
  toDestinationResponse,
  toSecretResponse,
} from './event-destination.dto.js';
import {
  DESTINATION,
  DESTINATION_ID,
  ROTATION,
  TOO_MANY_DESTINATIONS,
  TOO_MANY_FORMER_SECRETS,
} from './event-destinations.controller.js';

export const NO_OPERATOR_DESTINATION = { 404: 'There is no event destination of the operator with this id.' };

class OperatorEventDestinationsQuery {
  @QueryChoice({ description: 'Only those that get events of this mode', of: STRIPE_MODES })
  mode?: StripeMode;
}

/** Destinations of the operator, which get the events of all projects. */
@ApiTags('Operator')
@ApiBearerAuth('HTTPBearer')
@Controller('operator/event-destinations')
export class OperatorEventDestinationsController {
  constructor(private readonly destinations: DestinationsService) {}

  @Get()
  @ForOperators('viewer')
  @ApiOperation({
    operationId: 'listOperatorEventDestinations',
    summary: 'List the event destinations of the operator',
    description: 'Disabled ones too. No secret is shown.',
  })
  @ApiOkResponse({ description: 'The destinations, the oldest first.', type: [EventDestinationResponse] })
  @ApiErrors({})
  async list(@Query() { mode }: OperatorEventDestinationsQuery): Promise<EventDestinationResponse[]> {
    const destinations = await this.destinations.list(null);
    return destinations
      .filter((destination) => !mode || destination.mode === null || destination.mode === mode)
      .map(toDestinationResponse);
  }

  @Post()
  @ForOperators('admin')
  @Idempotent({ body: EventDestinationCreateRequest })
  @ApiOperation({
    operationId: 'createOperatorEventDestination',
    summary: 'Make an event destination of the operator',
    description: 'It gets the events of all projects. The answer shows the signing secret, this once.',
  })
  @ApiCreatedResponse({
    description: 'The destination with its secret.',
    type: EventDestinationSecretResponse,
  })
  @ApiErrors({ body: true, meaning: orBusy(TOO_MANY_DESTINATIONS) })
  async create(
    @Body() body: EventDestinationCreateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<EventDestinationSecretResponse> {
    return toSecretResponse(await this.destinations.create(null, readNewSettings(body), actor));
  }

  @Get(`:${DESTINATION}`)
  @ForOperators('viewer')
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'getOperatorEventDestination',
    summary: 'Read an event destination of the operator',
    description: 'Its settings, and whether it fails. No secret is shown.',
  })
  @ApiOkResponse({ description: 'The destination.', type: EventDestinationResponse })
  @ApiErrors({ meaning: NO_OPERATOR_DESTINATION })
  async read(@Param(DESTINATION, UuidPipe) id: string): Promise<EventDestinationResponse> {
    return toDestinationResponse(await this.destinations.find(null, id));
  }

  @Put(`:${DESTINATION}`)
  @ForOperators('admin')
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'updateOperatorEventDestination',
    summary: 'Change an event destination of the operator',
    description:
      'Absent fields stay; `headers` replaces all headers. The next attempt uses the new settings.',
  })
  @ApiOkResponse({ description: 'The destination as it is now.', type: EventDestinationResponse })
  @ApiErrors({ body: true, meaning: NO_OPERATOR_DESTINATION })
  async update(
    @Param(DESTINATION, UuidPipe) id: string,
    @Body() body: EventDestinationUpdateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<EventDestinationResponse> {
    return toDestinationResponse(await this.destinations.update(null, id, readSettings(body), actor));
  }

  @Post(`:${DESTINATION}/rotate`)
  @HttpCode(HttpStatus.OK)
  @ForOperators('admin')
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'rotateOperatorEventDestination',
    summary: 'Make a new signing secret for an event destination of the operator',
    description: ROTATION,
  })
  @ApiBody({ type: EventDestinationRotateRequest, required: false })
  @ApiOkResponse({
    description: 'The destination with its new secret.',
    type: EventDestinationSecretResponse,
  })
  @ApiErrors({ body: true, meaning: { ...NO_OPERATOR_DESTINATION, ...TOO_MANY_FORMER_SECRETS } })
  async rotate(
    @Param(DESTINATION, UuidPipe) id: string,
    @Body() { overlap_seconds: overlap }: EventDestinationRotateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<EventDestinationSecretResponse> {
    return toSecretResponse(await this.destinations.rotate(null, id, overlap, actor));
  }

  @Delete(`:${DESTINATION}`)
  @HttpCode(HttpStatus.NO_CONTENT)
  @ForOperators('admin')
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'deleteOperatorEventDestination',
    summary: 'Delete an event destination of the operator',
    description: 'With its secrets. What it has not received yet is not sent any more.',
  })
  @ApiNoContentResponse({ description: 'The destination is gone.' })
  @ApiErrors({ meaning: NO_OPERATOR_DESTINATION })
  async remove(@Param(DESTINATION, UuidPipe) id: string, @CurrentActor() actor: Actor): Promise<void> {
    await this.destinations.remove(null, id, actor);
  }
}
