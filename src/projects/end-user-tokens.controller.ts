import { Body, Controller, Post } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiSchema,
  ApiTags,
} from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { EndUserTokens } from '../auth/tokens/end-user-tokens.js';
import { SUBJECT_RULE } from '../auth/tokens/verify-token.js';
import { WholeNumber } from '../http/validation/fields.js';
import { ApiErrors } from '../http/openapi/api-errors.js';
import { Checked, ForbidUnknownFields } from '../http/validation/request.pipe.js';
import type { Project } from './project.entity.js';
import { subjectProblem } from './subject.js';
import { CurrentProject, RequiresPermission } from './permissions/project.guards.js';

const DEFAULT_SECONDS = 1_800;

@ForbidUnknownFields({ description: 'For whom a token is wanted.' })
export class EndUserTokenRequest {
  @ApiProperty({
    description: `What you call this user: ${SUBJECT_RULE}. The same text is the same user for ever; other operations show it as a UUID.`,
    type: 'string',
    minLength: 1,
    maxLength: 255,
    example: 'customer-4711',
  })
  @Checked(subjectProblem)
  user_id: string;

  @WholeNumber({
    description: 'For how many seconds the token is good. It can not be taken back before.',
    minimum: 60,
    maximum: 86_400,
    default: DEFAULT_SECONDS,
  })
  @Transform(({ value }: { value: unknown }) => value ?? DEFAULT_SECONDS)
  expires_in: number = DEFAULT_SECONDS;
}

@ApiSchema({ description: 'A token for one end user of one project.' })
export class EndUserTokenResponse {
  @ApiProperty({
    description: 'To be sent as `Authorization: Bearer <token>`.',
    type: String,
    example: 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln',
  })
  access_token: string;

  @ApiProperty({ description: 'Always `bearer`.', type: String, example: 'bearer' })
  token_type: string;

  @ApiProperty({ description: 'For how many seconds it is good.', type: 'integer', example: DEFAULT_SECONDS })
  expires_in: number;
}

@ApiTags('Projects')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('end-user-tokens:create')
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
  create(
    @CurrentProject() { id }: Project,
    @Body() { user_id: userId, expires_in: lifetime }: EndUserTokenRequest,
  ): EndUserTokenResponse {
    return {
      access_token: this.tokens.issue(id, userId, lifetime),
      token_type: 'bearer',
      expires_in: lifetime,
    };
  }
}
