import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Patch, Post } from '@nestjs/common';
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
import { toKeyRotation } from '../../../auth/opaque-keys/opaque-key.dto.js';
import type { Actor } from '../../../common/actor.js';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { UuidPipe } from '../../../http/validation/fields.js';
import type { Project } from '../../../projects/project.entity.js';
import { CurrentProject, RequiresPermission } from '../../../projects/permissions/project.guards.js';
import {
  GatewayKeyCreateRequest,
  GatewayKeyResponse,
  GatewayKeyRotateRequest,
  GatewayKeyUpdateRequest,
  GatewayKeyUsageResponse,
  IssuedGatewayKeyResponse,
  toChanges,
  toGatewayKeyResponse,
  toIssuedResponse,
  toNewGatewayKey,
  toUsageResponse,
} from './gateway-key.dto.js';
import { Idempotent, orBusy } from '../../idempotency/idempotency.interceptor.js';
import { GatewayKeysService } from './gateway-keys.service.js';
import { GatewayUsage } from './gateway-usage.js';

const ID = 'gateway_key_id';
const KEY_ID = ApiParam({
  name: ID,
  description: "The gateway key's id.",
  schema: { type: 'string', format: 'uuid' },
});
const NO_KEY = 'no gateway key with this id';
const TOO_MANY = { 409: 'The project has 100 gateway keys, which is the most.' };
const EXPIRED = { 409: 'The gateway key has expired, and the request sets no later end.' };

@ApiTags('Gateway keys')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('gateway-keys:write')
@Controller('payments/stripe/projects/:project_id/gateway-keys')
export class GatewayKeysController {
  constructor(
    private readonly keys: GatewayKeysService,
    private readonly counts: GatewayUsage,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listGatewayKeys',
    summary: 'List the gateway keys of a project',
    description: 'Expired and paused ones too. No key is shown.',
  })
  @ApiOkResponse({ description: 'The keys, the oldest first.', type: [GatewayKeyResponse] })
  @ApiErrors({ project: true })
  async list(@CurrentProject() { id }: Project): Promise<GatewayKeyResponse[]> {
    return (await this.keys.list(id)).map(toGatewayKeyResponse);
  }

  @Post()
  @Idempotent({ body: GatewayKeyCreateRequest })
  @ApiOperation({
    operationId: 'createGatewayKey',
    summary: 'Make a gateway key',
    description:
      'A Stripe SDK uses it at the gateway in place of the stored secret key. The answer shows it, this once.',
  })
  @ApiCreatedResponse({ description: 'The gateway key.', type: IssuedGatewayKeyResponse })
  @ApiErrors({ project: true, body: true, meaning: orBusy(TOO_MANY) })
  async create(
    @CurrentProject() { id }: Project,
    @Body() body: GatewayKeyCreateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<IssuedGatewayKeyResponse> {
    return toIssuedResponse(await this.keys.create(id, toNewGatewayKey(body), actor));
  }

  @Get(`:${ID}/usage`)
  @KEY_ID
  @ApiOperation({
    operationId: 'getGatewayKeyUsage',
    summary: 'Count the requests of a gateway key',
    description:
      'By day, for 30 days, with the permissions that the requests needed and those that were refused. At most ten seconds behind.',
  })
  @ApiOkResponse({ description: 'The days with requests, the newest first.', type: GatewayKeyUsageResponse })
  @ApiErrors({ project: true, orMissing: NO_KEY })
  async usage(
    @CurrentProject() { id: projectId }: Project,
    @Param(ID, UuidPipe) id: string,
  ): Promise<GatewayKeyUsageResponse> {
    await this.keys.assertExists(projectId, id);
    return toUsageResponse(await this.counts.ofKey(id));
  }

  @Patch(`:${ID}`)
  @KEY_ID
  @ApiOperation({
    operationId: 'updateGatewayKey',
    summary: 'Change or pause a gateway key',
    description: 'Every process applies the change within two seconds.',
  })
  @ApiOkResponse({ description: 'The gateway key.', type: GatewayKeyResponse })
  @ApiErrors({ project: true, body: true, orMissing: NO_KEY })
  async update(
    @CurrentProject() { id: projectId }: Project,
    @Param(ID, UuidPipe) id: string,
    @Body() body: GatewayKeyUpdateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<GatewayKeyResponse> {
    return toGatewayKeyResponse(await this.keys.change(projectId, id, toChanges(body), actor));
  }

  @Post(`:${ID}/rotate`)
  @HttpCode(HttpStatus.OK)
  @KEY_ID
  @ApiOperation({
    operationId: 'rotateGatewayKey',
    summary: 'Make a new key in place of a gateway key',
    description: 'The former ones stay valid for a grace period, by default a day.',
  })
  @ApiBody({ type: GatewayKeyRotateRequest, required: false })
  @ApiOkResponse({ description: 'The gateway key with its new text.', type: IssuedGatewayKeyResponse })
  @ApiErrors({ project: true, body: true, orMissing: NO_KEY, meaning: EXPIRED })
  async rotate(
    @CurrentProject() { id: projectId }: Project,
    @Param(ID, UuidPipe) id: string,
    @Body() body: GatewayKeyRotateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<IssuedGatewayKeyResponse> {
    return toIssuedResponse(await this.keys.rotate(projectId, id, toKeyRotation(body), actor));
  }

  @Delete(`:${ID}`)
  @HttpCode(HttpStatus.NO_CONTENT)
  @KEY_ID
  @ApiOperation({
    operationId: 'revokeGatewayKey',
    summary: 'Revoke a gateway key',
    description: 'Every process refuses it within two seconds.',
  })
  @ApiNoContentResponse({ description: 'The gateway key is gone.' })
  @ApiErrors({ project: true, orMissing: NO_KEY })
  async revoke(
    @CurrentProject() { id: projectId }: Project,
    @Param(ID, UuidPipe) id: string,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    await this.keys.revoke(projectId, id, actor);
  }
}
