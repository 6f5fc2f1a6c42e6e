import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { CurrentActor } from '../../auth/current-actor.decorator.js';
import type { Actor } from '../../common/actor.js';
import { ApiErrors } from '../../http/openapi/api-errors.decorator.js';
import { CurrentProject } from '../../projects/current-project.decorator.js';
import type { Project } from '../../projects/project.js';
import { RequiresPermission } from '../../projects/project-owner.guard.js';
import { ValidateStripeCredentialsRequest, ValidateStripeCredentialsResponse } from './dto/validate-credentials.js';
import { KeyVerifier } from './key-verifier.js';

@ApiTags('Stripe connection')
@ApiBearerAuth('HTTPBearer')
@ApiParam({ name: 'project_id', description: "The project's id.", schema: { type: 'string', format: 'uuid' } })
@RequiresPermission('owner')
@Controller('payments/stripe/projects/:project_id')
export class StripeConnectionController {
  constructor(private readonly verifier: KeyVerifier) {}

  @Post('validate-credentials')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'validateStripeCredentials',
    summary: 'Ask Stripe about a secret key',
    description: 'Tells whether Stripe accepts the key for all that is needed. The key is not stored.',
  })
  @ApiOkResponse({ description: 'What Stripe says of the key.', type: ValidateStripeCredentialsResponse })
  @ApiErrors({ project: true, body: true })
  async validate(
    @CurrentProject() project: Project,
    @Body() body: ValidateStripeCredentialsRequest,
    @CurrentActor() actor: Actor,
  ): Promise<ValidateStripeCredentialsResponse> {
    const { valid, message } = await this.verifier.verify(project, body.secret_key, body.is_test_mode ? 'test' : 'live', { actor });
    return { valid, message };
  }
}
