import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Post } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentActor, CurrentDeveloper } from '../../auth/caller.js';
import { ForDevelopers } from '../../auth/route-access.js';
import type { Actor } from '../../common/actor.js';
import { ValidationFailed } from '../../common/errors.js';
import { type OwnerId, parseUuid } from '../../common/ids.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import { ProjectResponse, toProjectResponse } from '../project.dto.js';
import type { Project } from '../project.entity.js';
import { CurrentProject, RequiresPermission } from '../permissions/project.guards.js';
import { InvitationsRepository } from './invitations.repository.js';
import { InvitationsService } from './invitations.service.js';
import { InvitationAcceptRequest, InvitationListResponse, toInvitationResponse } from './member.dto.js';

const PROJECT_PARAM = ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
});

@ApiTags('Projects')
@ApiBearerAuth('HTTPBearer')
@Controller('projects')
export class InvitationsController {
  constructor(
    private readonly invitations: InvitationsRepository,
    private readonly service: InvitationsService,
  ) {}

  @Get(':project_id/invitations')
  @RequiresPermission('members:write')
  @PROJECT_PARAM
  @ApiOperation({
    operationId: 'listInvitations',
    summary: 'List the open invitations',
    description: 'Those that nobody used yet, without their tokens.',
  })
  @ApiOkResponse({ description: 'The invitations.', type: InvitationListResponse })
  @ApiErrors({ project: true })
  async list(@CurrentProject() { id }: Project): Promise<InvitationListResponse> {
    return { invitations: (await this.invitations.list(id)).map(toInvitationResponse) };
  }

  @Delete(':project_id/invitations/:invitation_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @RequiresPermission('members:write')
  @PROJECT_PARAM
  @ApiParam({ name: 'invitation_id', description: 'Its id.', schema: { type: 'string', format: 'uuid' } })
  @ApiOperation({
    operationId: 'withdrawInvitation',
    summary: 'Withdraw an invitation',
    description: 'Its URL lets nobody join any more.',
  })
  @ApiNoContentResponse({ description: 'The invitation is withdrawn.' })
  @ApiErrors({ project: true, orMissing: 'it has no such open invitation' })
  async withdraw(
    @CurrentProject() { id }: Project,
    @Param('invitation_id') text: string,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    const invitation = parseUuid<string>(text);
    if (invitation === undefined)
      throw new ValidationFailed([
        { loc: ['path', 'invitation_id'], msg: 'must be a UUID', type: 'uuid_parsing' },
      ]);
    await this.invitations.withdraw(id, invitation, actor);
  }

  @Post('invitations/accept')
  @HttpCode(HttpStatus.OK)
  @ForDevelopers()
  @ApiOperation({
    operationId: 'acceptInvitation',
    summary: 'Join a project',
    description: 'Makes you a member of the project to which the token invites. A token works once.',
  })
  @ApiOkResponse({ description: 'The project, with your role.', type: ProjectResponse })
  @ApiErrors({
    body: true,
    meaning: {
      404: 'There is no such invitation: it was used, withdrawn or has expired.',
      409: 'You have a role in the project already, or it has 1,000 members.',
    },
  })
  async accept(
    @Body() { token }: InvitationAcceptRequest,
    @CurrentDeveloper() developer: OwnerId,
    @CurrentActor() actor: Actor,
  ): Promise<ProjectResponse> {
    const key = token.trim().split('#').at(-1) ?? '';
    return toProjectResponse(await this.service.accept(key, developer, actor));
  }
}
