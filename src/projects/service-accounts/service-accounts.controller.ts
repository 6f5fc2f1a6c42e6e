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
import { CurrentActor } from '../../auth/caller.js';
import { toKeyRotation } from '../../auth/opaque-keys/opaque-key.dto.js';
import type { Actor } from '../../common/actor.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import { UuidPipe } from '../../http/validation/fields.js';
import type { Project } from '../project.entity.js';
import { CurrentProject, RequiresPermission } from '../permissions/project.guards.js';
import {
  ServiceAccountCreateRequest,
  ServiceAccountKeyResponse,
  ServiceAccountResponse,
  ServiceAccountRotateRequest,
  ServiceAccountUpdateRequest,
  toChanges,
  toKeyResponse,
  toNewAccount,
  toServiceAccountResponse,
} from './service-account.dto.js';
import { ServiceAccountsService } from './service-accounts.service.js';

const ID = 'service_account_id';
export const ACCOUNT_ID = ApiParam({
  name: ID,
  description: "The service account's id.",
  schema: { type: 'string', format: 'uuid' },
});
const NO_ACCOUNT = 'there is no service account with this id';
export const TOO_MANY = { 409: 'There are 100 service accounts, which is the most.' };
export const EXPIRED = { 409: 'The service account has expired, and the request sets no later end.' };

@ApiTags('Service accounts')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('service-accounts:write')
@Controller('projects/:project_id/service-accounts')
export class ServiceAccountsController {
  constructor(private readonly accounts: ServiceAccountsService) {}

  @Get()
  @ApiOperation({
    operationId: 'listServiceAccounts',
    summary: 'List the service accounts of a project',
    description: 'Expired ones too. No key is shown.',
  })
  @ApiOkResponse({ description: 'The accounts, the oldest first.', type: [ServiceAccountResponse] })
  @ApiErrors({ project: true })
  async list(@CurrentProject() { id }: Project): Promise<ServiceAccountResponse[]> {
    return (await this.accounts.list(id)).map(toServiceAccountResponse);
  }

  @Post()
  @ApiOperation({
    operationId: 'createServiceAccount',
    summary: 'Make a service account',
    description: 'For a machine that acts in this project. The answer shows its key, this once.',
  })
  @ApiCreatedResponse({ description: 'The account with its key.', type: ServiceAccountKeyResponse })
  @ApiErrors({ project: true, body: true, meaning: TOO_MANY })
  async create(
    @CurrentProject() { id }: Project,
    @Body() body: ServiceAccountCreateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<ServiceAccountKeyResponse> {
    return toKeyResponse(await this.accounts.create(id, toNewAccount(body), actor));
  }

  @Put(`:${ID}`)
  @ACCOUNT_ID
  @ApiOperation({
    operationId: 'updateServiceAccount',
    summary: 'Change a service account',
    description:
      'Its name, its networks or its limit. Every process knows within two seconds. Its role stays.',
  })
  @ApiOkResponse({ description: 'The account as it is now.', type: ServiceAccountResponse })
  @ApiErrors({ project: true, body: true, orMissing: NO_ACCOUNT })
  async update(
    @CurrentProject() { id: projectId }: Project,
    @Param(ID, UuidPipe) id: string,
    @Body() body: ServiceAccountUpdateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<ServiceAccountResponse> {
    return toServiceAccountResponse(await this.accounts.update(projectId, id, toChanges(body), actor));
  }

  @Post(`:${ID}/rotate`)
  @HttpCode(HttpStatus.OK)
  @ACCOUNT_ID
  @ApiOperation({
    operationId: 'rotateServiceAccount',
    summary: 'Make a new key for a service account',
    description: 'The former keys stay valid for a grace period, by default a day.',
  })
  @ApiBody({ type: ServiceAccountRotateRequest, required: false })
  @ApiOkResponse({ description: 'The account with its new key.', type: ServiceAccountKeyResponse })
  @ApiErrors({ project: true, body: true, orMissing: NO_ACCOUNT, meaning: EXPIRED })
  async rotate(
    @CurrentProject() { id: projectId }: Project,
    @Param(ID, UuidPipe) id: string,
    @Body() body: ServiceAccountRotateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<ServiceAccountKeyResponse> {
    return toKeyResponse(await this.accounts.rotate(projectId, id, toKeyRotation(body), actor));
  }

  @Delete(`:${ID}`)
  @HttpCode(HttpStatus.NO_CONTENT)
  @ACCOUNT_ID
  @ApiOperation({
    operationId: 'revokeServiceAccount',
    summary: 'Revoke a service account',
    description: 'Its keys are refused by every process within two seconds.',
  })
  @ApiNoContentResponse({ description: 'The account is gone.' })
  @ApiErrors({ project: true, orMissing: NO_ACCOUNT })
  async revoke(
    @CurrentProject() { id: projectId }: Project,
    @Param(ID, UuidPipe) id: string,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    await this.accounts.revoke(projectId, id, actor);
  }
}
