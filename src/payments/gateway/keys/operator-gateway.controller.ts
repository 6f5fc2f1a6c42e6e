import { Body, Controller, Param, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiProperty, ApiTags } from '@nestjs/swagger';
import { CurrentActor } from '../../../auth/caller.js';
import { ForOperators } from '../../../auth/route-access.js';
import type { Actor } from '../../../common/actor.js';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { Checked, ForbidUnknownFields } from '../../../http/validation/request.pipe.js';
import { readProjectId } from '../../../projects/permissions/project.guards.js';
import { GatewayKeysService } from './gateway-keys.service.js';

@ForbidUnknownFields({ description: 'Whether the gateway is paused for a project.' })
export class ProjectGateway {
  @ApiProperty({
    description: "Whether every request with one of the project's gateway keys is refused.",
    type: 'boolean',
    example: true,
  })
  @Checked((value) => {
    if (value === undefined) return { type: 'missing', msg: 'is required' };
    return typeof value === 'boolean' ? undefined : { type: 'bool_type', msg: 'must be true or false' };
  })
  paused: boolean;
}

/** Pauses the gateway for a project, which the project itself can't undo. */
@ApiTags('Operator')
@ApiBearerAuth('HTTPBearer')
@Controller('operator/projects')
export class OperatorGatewayController {
  constructor(private readonly keys: GatewayKeysService) {}

  @Put(':project_id/gateway')
  @ForOperators('admin')
  @ApiParam({
    name: 'project_id',
    description: "The project's id.",
    schema: { type: 'string', format: 'uuid' },
  })
  @ApiOperation({
    operationId: 'pauseProjectGateway',
    summary: 'Pause or resume the gateway for a project',
    description:
      'Every process applies it within two seconds. The members of the project see it in the status, and only an operator can undo it.',
  })
  @ApiOkResponse({ description: 'The state now.', type: ProjectGateway })
  @ApiErrors({ project: true, body: true })
  async pause(
    @Param('project_id') projectId: string,
    @Body() { paused }: ProjectGateway,
    @CurrentActor() actor: Actor,
  ): Promise<ProjectGateway> {
    await this.keys.pauseProject(readProjectId(projectId), paused, actor);
    return { paused };
  }
}
