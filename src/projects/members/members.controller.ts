import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Post, Put } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { CurrentActor } from '../../auth/caller.js';
import type { Actor } from '../../common/actor.js';
import type { OwnerId } from '../../common/ids.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import { normalizeEmail, storedForm } from '../../http/validation/email.js';
import type { Project } from '../project.entity.js';
import { CurrentProject, RequiresPermission } from '../permissions/project.guards.js';
import { InvitationsService } from './invitations.service.js';
import {
  InvitationCreatedResponse,
  MemberCreateRequest,
  MemberListResponse,
  MemberResponse,
  MemberUpdateRequest,
  ProjectTransferRequest,
  SubjectPipe,
  toInvitationCreatedResponse,
  toMemberResponse,
} from './member.dto.js';
import { MembersRepository } from './members.repository.js';

const SUBJECT_PARAM = ApiParam({
  name: 'subject',
  description: 'The member: the `sub` of the person’s access tokens, encoded for a URL.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
});

@ApiTags('Projects')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@ApiExtraModels(MemberResponse, InvitationCreatedResponse)
@Controller('projects/:project_id')
export class MembersController {
  constructor(
    private readonly members: MembersRepository,
    private readonly invitations: InvitationsService,
  ) {}

  @Get('members')
  @RequiresPermission('members:read')
  @ApiOperation({
    operationId: 'listMembers',
    summary: 'List the members',
    description: 'The owner and all other members of the project, with their roles.',
  })
  @ApiOkResponse({ description: 'The members.', type: MemberListResponse })
  @ApiErrors({ project: true })
  async list(@CurrentProject() { id, ownerId }: Project): Promise<MemberListResponse> {
    const owner: MemberResponse = { subject: ownerId, role: 'owner', created_at: null };
    return { members: [owner, ...(await this.members.list(id)).map(toMemberResponse)] };
  }

  @Post('members')
  @RequiresPermission('members:write')
  @ApiOperation({
    operationId: 'addMember',
    summary: 'Add a member, or invite one',
    description:
      'With `subject`, the person is a member at once. With `email`, the answer is an invitation for seven days, whose `invite_url` you hand on. It replaces an open invitation of the same address. Where the operator set up mail, the address gets it by mail, too, at most three times an hour; `mailed` says so.',
  })
  @ApiCreatedResponse({
    description: 'The member, or the invitation.',
    schema: {
      anyOf: [MemberResponse, InvitationCreatedResponse].map((type) => ({ $ref: getSchemaPath(type) })),
    },
  })
  @ApiErrors({
    project: true,
    body: true,
    meaning: {
      409: 'The person has a role in the project already, or their account was revoked or deleted; or the project has 1,000 members or 100 open invitations.',
    },
  })
  async add(
    @CurrentProject() { id: projectId }: Project,
    @Body() { subject, email, role }: MemberCreateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<MemberResponse | InvitationCreatedResponse> {
    if (typeof subject === 'string')
      return toMemberResponse(await this.members.add({ projectId, subject, actor }, role));
    return toInvitationCreatedResponse(
      await this.invitations.invite(
        projectId,
        { email: storedForm(normalizeEmail(email ?? '') ?? ''), role },
        actor,
      ),
    );
  }

  @Put('members/:subject')
  @RequiresPermission('members:write')
  @SUBJECT_PARAM
  @ApiOperation({
    operationId: 'updateMember',
    summary: 'Change the role of a member',
    description: 'The new role counts from the next request on.',
  })
  @ApiOkResponse({ description: 'The member.', type: MemberResponse })
  @ApiErrors({
    project: true,
    orMissing: 'the person is no member of it',
    body: true,
    meaning: { 409: 'The person owns the project.' },
  })
  async update(
    @CurrentProject() { id: projectId }: Project,
    @Param('subject', SubjectPipe) subject: OwnerId,
    @Body() { role }: MemberUpdateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<MemberResponse> {
    return toMemberResponse(await this.members.changeRole({ projectId, subject, actor }, role));
  }

  @Delete('members/:subject')
  @HttpCode(HttpStatus.NO_CONTENT)
  @RequiresPermission('members:write', { orSelf: true })
  @SUBJECT_PARAM
  @ApiOperation({
    operationId: 'removeMember',
    summary: 'Remove a member, or leave',
    description: 'Ends the person’s role in the project at once. Every member but the owner may leave.',
  })
  @ApiNoContentResponse({ description: 'The person is no member any more.' })
  @ApiErrors({
    project: true,
    orMissing: 'the person is no member of it',
    meaning: { 409: 'The person owns the project, which always has one owner.' },
  })
  async remove(
    @CurrentProject() { id: projectId }: Project,
    @Param('subject', SubjectPipe) subject: OwnerId,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    await this.members.remove({ projectId, subject, actor });
  }

  @Post('transfer')
  @HttpCode(HttpStatus.NO_CONTENT)
  @RequiresPermission('project:transfer')
  @ApiOperation({
    operationId: 'transferProject',
    summary: 'Make another member the owner',
    description: 'The former owner becomes an admin. A project always has exactly one owner.',
  })
  @ApiNoContentResponse({ description: 'The project has another owner.' })
  @ApiErrors({
    project: true,
    body: true,
    meaning: {
      409: 'The person is not a member, owns the project already, or their account was revoked or deleted; or somebody else transferred the project meanwhile.',
    },
  })
  async transfer(
    @CurrentProject() { id: projectId, ownerId: from }: Project,
    @Body() { subject }: ProjectTransferRequest,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    await this.members.transfer({ projectId, subject, actor, from });
  }
}
