import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Post,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentActor, CurrentDeveloper, CurrentReader, type Reader } from '../auth/caller.js';
import { ForDevelopers } from '../auth/route-access.js';
import type { Actor } from '../common/actor.js';
import { Settings } from '../config/settings.js';
import { ApiErrors } from '../http/openapi/api-errors.js';
import { linkNextPage, LongPageQuery, NEXT_PAGE_LINK, offsetOf } from '../http/validation/page.query.js';
import type { OwnerId } from '../common/ids.js';
import type { Role } from './permissions/permissions.js';
import { ProjectCreateRequest, ProjectUpdateRequest } from './project.dto.js';
import { ProjectCreatedResponse, ProjectResponse, toProjectResponse } from './project.dto.js';
import type { Project } from './project.entity.js';
import {
  CoversProjectsWith,
  CurrentProject,
  CurrentRole,
  RequiresPermission,
} from './permissions/project.guards.js';
import { ProjectsService } from './projects.service.js';

const PROJECT_ID = ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
});

@ApiTags('Projects')
@ApiBearerAuth('HTTPBearer')
@Controller('projects')
export class ProjectsController {
  constructor(
    private readonly projects: ProjectsService,
    private readonly settings: Settings,
  ) {}

  @Get()
  @CoversProjectsWith('project:read')
  @ApiOperation({
    operationId: 'listProjects',
    summary: 'List your projects',
    description:
      'The projects in which you have a role, with the role, newest first. Operators have one in all.',
  })
  @ApiOkResponse({ description: 'The projects.', type: [ProjectResponse], headers: NEXT_PAGE_LINK })
  @ApiErrors({})
  async list(
    @CurrentReader() reader: Reader,
    @Query() page: LongPageQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProjectResponse[]> {
    const limit = page.page_size;
    // One more shows whether there is another page.
    const projects = await this.projects.list(reader, { limit: limit + 1, offset: offsetOf(page) });
    if (projects.length > limit) linkNextPage(request, reply, page, this.settings.publicBaseUrl);
    return projects.slice(0, limit).map(toProjectResponse);
  }

  @Post()
  @ForDevelopers()
  @ApiOperation({
    operationId: 'createProject',
    summary: 'Create a project',
    description: 'Makes a project that belongs to the calling developer.',
  })
  @ApiCreatedResponse({ description: 'The project was made.', type: ProjectCreatedResponse })
  @ApiErrors({ body: true })
  async create(
    @CurrentDeveloper() developer: OwnerId,
    @Body() body: ProjectCreateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<ProjectCreatedResponse> {
    return { id: await this.projects.create(developer, body.name, body.description ?? null, actor) };
  }

  @Get(':project_id')
  @RequiresPermission('project:read')
  @PROJECT_ID
  @ApiOperation({
    operationId: 'getProject',
    summary: 'Get a project',
    description: 'One project in which you have a role.',
  })
  @ApiOkResponse({ description: 'The project.', type: ProjectResponse })
  @ApiErrors({ project: true })
  get(@CurrentProject() project: Project, @CurrentRole() role: Role): ProjectResponse {
    return toProjectResponse({ ...project, role });
  }

  @Put(':project_id')
  @RequiresPermission('project:write')
  @PROJECT_ID
  @ApiOperation({
    operationId: 'updateProject',
    summary: 'Update a project',
    description: 'Changes the name, the description or both.',
  })
  @ApiOkResponse({ description: 'The project as it is now.', type: ProjectResponse })
  @ApiErrors({ project: true, body: true })
  async update(
    @CurrentProject() project: Project,
    @CurrentRole() role: Role,
    @Body() body: ProjectUpdateRequest,
    @CurrentActor() actor: Actor,
  ): Promise<ProjectResponse> {
    return toProjectResponse({ ...(await this.projects.update(project, body, actor)), role });
  }

  @Delete(':project_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @RequiresPermission('project:delete')
  @PROJECT_ID
  @ApiOperation({
    operationId: 'deleteProject',
    summary: 'Delete a project',
    description: 'Hides the project for good and destroys its Stripe credentials.',
  })
  @ApiNoContentResponse({ description: 'The project is gone.' })
  @ApiErrors({ project: true })
  async delete(@CurrentProject() project: Project, @CurrentActor() actor: Actor): Promise<void> {
    await this.projects.delete(project.id, actor);
  }
}
