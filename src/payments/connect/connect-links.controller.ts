import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Post } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentActor } from '../../auth/caller.js';
import type { Actor } from '../../common/actor.js';
import { Settings } from '../../config/settings.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import { UuidPipe } from '../../http/validation/fields.js';
import type { Project } from '../../projects/project.entity.js';
import { CurrentProject, RequiresPermission } from '../../projects/permissions/project.guards.js';
import {
  ConnectLinkCreatedResponse,
  ConnectLinkCreateRequest,
  ConnectLinkResponse,
  toConnectLinkResponse,
  toNewConnectLink,
} from './connect-link.dto.js';
import { Idempotent, orBusy } from '../idempotency/idempotency.interceptor.js';
import { ConnectLinksRepository } from './connect-links.repository.js';

const ID = 'connect_link_id';

@ApiTags('Connect')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('connect-links:write')
@Controller('payments/stripe/projects/:project_id/connect-links')
export class ConnectLinksController {
  constructor(
    private readonly links: ConnectLinksRepository,
    private readonly settings: Settings,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listConnectLinks',
    summary: 'List the open links of a project',
    description: 'Links that were not used, revoked or expired. No URL is shown again.',
  })
  @ApiOkResponse({ description: 'The links, the oldest first.', type: [ConnectLinkResponse] })
  @ApiErrors({ project: true })
  async list(@CurrentProject() { id }: Project): Promise<ConnectLinkResponse[]> {
    return (await this.links.listOpen(id)).map(toConnectLinkResponse);
  }

  @Post()
  @Idempotent({ body: ConnectLinkCreateRequest })
  @ApiOperation({
    operationId: 'createConnectLink',
    summary: 'Make a link on which a tenant connects Stripe',
    description:
      'The tenant needs no account: the page behind the link asks for a key, checks it, stores it and makes the webhook endpoint. It works once.',
  })
  @ApiCreatedResponse({ description: 'The link.', type: ConnectLinkCreatedResponse })
  @ApiErrors({
    project: true,
    body: true,
    meaning: orBusy({ 409: 'The project has 100 open links, which is the most.' }),
  })
  async create(
    @CurrentProject() { id: projectId }: Project,
    @Body() body: ConnectLinkCreateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<ConnectLinkCreatedResponse> {
    const { link, token } = await this.links.add(projectId, toNewConnectLink(body), actor);
    return {
      id: link.id,
      url: `${this.settings.publicBaseUrl}/connect/${token}`,
      expires_at: link.expiresAt.toISOString(),
    };
  }

  @Delete(`:${ID}`)
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiParam({ name: ID, description: "The link's id.", schema: { type: 'string', format: 'uuid' } })
  @ApiOperation({
    operationId: 'revokeConnectLink',
    summary: 'Revoke a link',
    description: 'Its page then says that the link has ended.',
  })
  @ApiNoContentResponse({ description: 'The link has ended.' })
  @ApiErrors({ project: true, orMissing: 'it has no open link with this id' })
  async revoke(
    @CurrentProject() { id: projectId }: Project,
    @Param(ID, UuidPipe) id: string,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    await this.links.revoke(projectId, id, actor);
  }
}
