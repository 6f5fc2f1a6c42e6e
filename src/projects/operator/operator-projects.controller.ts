import { Body, Controller, Get, HttpCode, HttpStatus, Param, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentActor } from '../../auth/caller.js';
import { ForOperators } from '../../auth/route-access.js';
import type { Actor } from '../../common/actor.js';
import { ValidationFailed } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { SYSTEM_CHAIN } from '../../history/history-entry.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import { MembersRepository } from '../members/members.repository.js';
import { readProjectId } from '../permissions/project.guards.js';
import { ProjectsService } from '../projects.service.js';
import {
  OperatorProjectResponse,
  OperatorProjectsQuery,
  OperatorProjectsResponse,
  OperatorTransferRequest,
  ProjectProvisionRequest,
  toOperatorProject,
} from './operator-project.dto.js';
import { OperatorProjectsRepository } from './operator-projects.repository.js';

const PROJECT_ID = ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
});

/** The projects of all tenants. Whatever an admin may do in a project, operators do through the project's routes. */
@ApiTags('Operator')
@ApiBearerAuth('HTTPBearer')
@Controller('operator/projects')
export class OperatorProjectsController {
  constructor(
    private readonly list: OperatorProjectsRepository,
    private readonly projects: ProjectsService,
    private readonly members: MembersRepository,
  ) {}

  @Get()
  @ForOperators('viewer')
  @ApiOperation({
    operationId: 'listAllProjects',
    summary: 'List the projects of all tenants',
    description: 'Newest first, or in the order of names with `q`. Filters can be combined.',
  })
  @ApiOkResponse({ description: 'One page.', type: OperatorProjectsResponse })
  @ApiErrors({})
  async page(@Query() query: OperatorProjectsQuery): Promise<OperatorProjectsResponse> {
    const { projects, nextCursor } = await this.list.list(query);
    return { projects: projects.map(toOperatorProject), next_cursor: nextCursor };
  }

  @Put(':project_id')
  @ForOperators('admin')
  @PROJECT_ID
  @ApiOperation({
    operationId: 'provisionProject',
    summary: 'Make a project under an id of your own',
    description:
      'For a platform that has ids and owners already. Safe to repeat: the project is there afterwards, under this name.',
  })
  @ApiCreatedResponse({ description: 'The project was made.', type: OperatorProjectResponse })
  @ApiOkResponse({
    description: 'The project was there already. It has the new name.',
    type: OperatorProjectResponse,
  })
  @ApiErrors({
    body: true,
    meaning: {
      409: 'The id is of a deleted project, or of a project of another owner; or the account of the owner was revoked or deleted.',
    },
  })
  async provision(
    @Param('project_id') projectId: string,
    @Body() { owner_id: ownerId, name }: ProjectProvisionRequest,
    @CurrentActor() actor: Actor,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperatorProjectResponse> {
    const id = readNewProjectId(projectId);
    const { project, change } = await this.projects.provision({ id, ownerId, name }, actor);
    reply.status(change === 'created' ? HttpStatus.CREATED : HttpStatus.OK);
    return toOperatorProject(project);
  }

  @Post(':project_id/transfer')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ForOperators('admin')
  @PROJECT_ID
  @ApiOperation({
    operationId: 'transferAnyProject',
    summary: 'Give a project to another owner',
    description:
      'To anybody, also without a role in the project: for a project whose owner has left. The former owner becomes an admin.',
  })
  @ApiNoContentResponse({ description: 'The project has another owner.' })
  @ApiErrors({
    project: true,
    body: true,
    meaning: { 409: 'The person owns the project already, or their account was revoked or deleted.' },
  })
  async transfer(
    @Param('project_id') projectId: string,
    @Body() { subject }: OperatorTransferRequest,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    await this.members.transfer({ projectId: readProjectId(projectId), subject, actor });
  }
}

/** @throws ValidationFailed for the nil UUID too, under which the history of the installation is kept */
function readNewProjectId(text: string): ProjectId {
  const id = readProjectId(text);
  if (id === SYSTEM_CHAIN)
    throw new ValidationFailed([
      { loc: ['path', 'project_id'], msg: 'must be another UUID than the nil UUID', type: 'value_error' },
    ]);
  return id;
}
