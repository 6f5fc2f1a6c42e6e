import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Post, Put } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentActor } from '../../auth/caller.js';
import { toKeyRotation } from '../../auth/opaque-keys/opaque-key.dto.js';
import { ForOperators } from '../../auth/route-access.js';
import type { Actor } from '../../common/actor.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import { UuidPipe } from '../../http/validation/fields.js';
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
} from '../service-accounts/service-account.dto.js';
import { ACCOUNT_ID, EXPIRED, TOO_MANY } from '../service-accounts/service-accounts.controller.js';
import { ServiceAccountsService } from '../service-accounts/service-accounts.service.js';

const PERSONAL = { isPersonal: true };
const NOT_FOUND = { 404: 'There is no service account of the operator with this id.' };

/** Service accounts of the operator. They have their role in every project. */
@ApiTags('Operator')
@ApiBearerAuth('HTTPBearer')
@Controller('operator/service-accounts')
export class OperatorServiceAccountsController {
  constructor(private readonly accounts: ServiceAccountsService) {}

  @Get()
  @ForOperators('viewer')
  @ApiOperation({
    operationId: 'listOperatorServiceAccounts',
    summary: 'List the service accounts of the operator',
    description: 'Expired ones too. No key is shown.',
  })
  @ApiOkResponse({ description: 'The accounts, the oldest first.', type: [ServiceAccountResponse] })
  @ApiErrors({})
  async list(): Promise<ServiceAccountResponse[]> {
    return (await this.accounts.list(null)).map(toServiceAccountResponse);
  }

  @Post()
  @ForOperators('admin', PERSONAL)
  @ApiOperation({
    operationId: 'createOperatorServiceAccount',
    summary: 'Make a service account of the operator',
    description:
      'For the platform’s own backend. The answer shows its key, this once. The command line makes one, too.',
  })
  @ApiCreatedResponse({ description: 'The account with its key.', type: ServiceAccountKeyResponse })
  @ApiErrors({ body: true, meaning: TOO_MANY })
  async create(
    @Body() body: ServiceAccountCreateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<ServiceAccountKeyResponse> {
    return toKeyResponse(await this.accounts.create(null, toNewAccount(body), actor));
  }

  @Put(':service_account_id')
  @ForOperators('admin', PERSONAL)
  @ACCOUNT_ID
  @ApiOperation({
    operationId: 'updateOperatorServiceAccount',
    summary: 'Change a service account of the operator',
    description:
      'Its name, its networks or its limit. Every process knows within two seconds. Its role stays.',
  })
  @ApiOkResponse({ description: 'The account as it is now.', type: ServiceAccountResponse })
  @ApiErrors({ body: true, meaning: NOT_FOUND })
  async update(
    @Param('service_account_id', UuidPipe) id: string,
    @Body() body: ServiceAccountUpdateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<ServiceAccountResponse> {
    return toServiceAccountResponse(await this.accounts.update(null, id, toChanges(body), actor));
  }

  @Post(':service_account_id/rotate')
  @HttpCode(HttpStatus.OK)
  @ForOperators('admin', PERSONAL)
  @ACCOUNT_ID
  @ApiOperation({
    operationId: 'rotateOperatorServiceAccount',
    summary: 'Make a new key for a service account of the operator',
    description: 'The former keys stay valid for a grace period, by default a day.',
  })
  @ApiBody({ type: ServiceAccountRotateRequest, required: false })
  @ApiOkResponse({ description: 'The account with its new key.', type: ServiceAccountKeyResponse })
  @ApiErrors({ body: true, meaning: { ...NOT_FOUND, ...EXPIRED } })
  async rotate(
    @Param('service_account_id', UuidPipe) id: string,
    @Body() body: ServiceAccountRotateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<ServiceAccountKeyResponse> {
    return toKeyResponse(await this.accounts.rotate(null, id, toKeyRotation(body), actor));
  }

  @Delete(':service_account_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ForOperators('admin', PERSONAL)
  @ACCOUNT_ID
  @ApiOperation({
    operationId: 'revokeOperatorServiceAccount',
    summary: 'Revoke a service account of the operator',
    description: 'Its keys are refused by every process within two seconds.',
  })
  @ApiNoContentResponse({ description: 'The account is gone.' })
  @ApiErrors({ meaning: NOT_FOUND })
  async revoke(
    @Param('service_account_id', UuidPipe) id: string,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    await this.accounts.revoke(null, id, actor);
  }
}
