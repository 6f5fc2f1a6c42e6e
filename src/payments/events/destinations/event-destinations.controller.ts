import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Post, Put } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentActor } from '../../../auth/caller.js';
import type { Actor } from '../../../common/actor.js';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { UuidPipe } from '../../../http/validation/fields.js';
import type { Project } from '../../../projects/project.entity.js';
import { CurrentProject, RequiresPermission } from '../../../projects/permissions/project.guards.js';
import { Idempotent, orBusy } from '../../idempotency/idempotency.interceptor.js';
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

export const DESTINATION = 'destination_id';
export const DESTINATION_ID = ApiParam({
  name: DESTINATION,
  description: "The event destination's id.",
  schema: { type: 'string', format: 'uuid' },
});
export const NO_DESTINATION = 'there is no event destination with this id';
export const TOO_MANY_DESTINATIONS = { 409: 'There are 16 event destinations, which is the most.' };
export const TOO_MANY_FORMER_SECRETS = { 409: 'The overlaps of five former secrets still run.' };
export const ROTATION =
  'During the overlap, by default a day, the former secret signs each event too. With an overlap of 0 all former secrets end.';

@ApiTags('Events')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('event-destinations:write')
@Controller('payments/stripe/projects/:project_id/event-destinations')
export class EventDestinationsController {
  constructor(private readonly destinations: DestinationsService) {}

  @Get()
  @ApiOperation({
    operationId: 'listEventDestinations',
    summary: 'List the event destinations of a project',
    description: 'Disabled ones too. No secret is shown.',
  })
  @ApiOkResponse({ description: 'The destinations, the oldest first.', type: [EventDestinationResponse] })
  @ApiErrors({ project: true })
  async list(@CurrentProject() { id }: Project): Promise<EventDestinationResponse[]> {
    return (await this.destinations.list(id)).map(toDestinationResponse);
  }

  @Post()
  @Idempotent({ body: EventDestinationCreateRequest })
  @ApiOperation({
    operationId: 'createEventDestination',
    summary: 'Make an event destination',
    description:
      'From now on, events of the project are sent to the URL, signed by Standard Webhooks 1.0. The answer shows the signing secret, this once.',
  })
  @ApiCreatedResponse({
    description: 'The destination with its secret.',
    type: EventDestinationSecretResponse,
  })
  @ApiErrors({ project: true, body: true, meaning: orBusy(TOO_MANY_DESTINATIONS) })
  async create(
    @CurrentProject() { id }: Project,
    @Body() body: EventDestinationCreateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<EventDestinationSecretResponse> {
    return toSecretResponse(await this.destinations.create(id, readNewSettings(body), actor));
  }

  @Get(`:${DESTINATION}`)
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'getEventDestination',
    summary: 'Read an event destination',
    description: 'Its settings, and whether it fails. No secret is shown.',
  })
  @ApiOkResponse({ description: 'The destination.', type: EventDestinationResponse })
  @ApiErrors({ project: true, orMissing: NO_DESTINATION })
  async read(
    @CurrentProject() { id: projectId }: Project,
    @Param(DESTINATION, UuidPipe) id: string,
  ): Promise<EventDestinationResponse> {
    return toDestinationResponse(await this.destinations.find(projectId, id));
  }

  @Put(`:${DESTINATION}`)
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'updateEventDestination',
    summary: 'Change an event destination',
    description:
      'Absent fields stay; `headers` replaces all headers. The next attempt uses the new settings.',
  })
  @ApiOkResponse({ description: 'The destination as it is now.', type: EventDestinationResponse })
  @ApiErrors({ project: true, body: true, orMissing: NO_DESTINATION })
  async update(
    @CurrentProject() { id: projectId }: Project,
    @Param(DESTINATION, UuidPipe) id: string,
    @Body() body: EventDestinationUpdateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<EventDestinationResponse> {
    return toDestinationResponse(await this.destinations.update(projectId, id, readSettings(body), actor));
  }

  @Post(`:${DESTINATION}/rotate`)
  @HttpCode(HttpStatus.OK)
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'rotateEventDestination',
    summary: 'Make a new signing secret for an event destination',
    description: ROTATION,
  })
  @ApiBody({ type: EventDestinationRotateRequest, required: false })
  @ApiOkResponse({
    description: 'The destination with its new secret.',
    type: EventDestinationSecretResponse,
  })
  @ApiErrors({ project: true, body: true, orMissing: NO_DESTINATION, meaning: TOO_MANY_FORMER_SECRETS })
  async rotate(
    @CurrentProject() { id: projectId }: Project,
    @Param(DESTINATION, UuidPipe) id: string,
    @Body() { overlap_seconds: overlap }: EventDestinationRotateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<EventDestinationSecretResponse> {
    return toSecretResponse(await this.destinations.rotate(projectId, id, overlap, actor));
  }

  @Delete(`:${DESTINATION}`)
  @HttpCode(HttpStatus.NO_CONTENT)
  @DESTINATION_ID
  @ApiOperation({
    operationId: 'deleteEventDestination',
    summary: 'Delete an event destination',
    description: 'With its secrets. What it has not received yet is not sent any more.',
  })
  @ApiNoContentResponse({ description: 'The destination is gone.' })
  @ApiErrors({ project: true, orMissing: NO_DESTINATION })
  async remove(
    @CurrentProject() { id: projectId }: Project,
    @Param(DESTINATION, UuidPipe) id: string,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    await this.destinations.remove(projectId, id, actor);
  }
}
