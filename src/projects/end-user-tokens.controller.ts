import { Body, Controller, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { EndUserTokens } from '../auth/end-user-tokens.js';
import { ApiErrors } from '../http/openapi/api-errors.decorator.js';
import { CurrentProject } from './current-project.decorator.js';
import { EndUserTokenRequest, EndUserTokenResponse } from './dto/end-user-token.js';
import type { Project } from './project.js';
import { RequiresPermission } from './project-owner.guard.js';

@ApiTags('Projects')
@ApiBearerAuth('HTTPBearer')
@ApiParam({ name: 'project_id', description: "The project's id.", schema: { type: 'string', format: 'uuid' } })
@RequiresPermission('owner')
@Controller('projects/:project_id/end-user-tokens')
export class EndUserTokensController {
  constructor(private readonly tokens: EndUserTokens) {}

  @Post()
  @ApiOperation({
    operationId: 'createEndUserToken',
    summary: 'Make a token for an end user',
    description:
      'For a project whose users have no authorization server of their own: your server, which knows who they are, asks for a token and hands it to them. It opens the end user’s operations of this project, as this user, and nothing else.',
  })
  @ApiCreatedResponse({ description: 'The token.', type: EndUserTokenResponse })
  @ApiErrors({ project: true, body: true })
  create(@CurrentProject() { id }: Project, @Body() { user_id: userId, expires_in: lifetime }: EndUserTokenRequest): EndUserTokenResponse {
    return { access_token: this.tokens.issue(id, userId, lifetime), token_type: 'bearer', expires_in: lifetime };
  }
}
