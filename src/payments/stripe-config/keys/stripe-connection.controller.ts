import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiSchema,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentActor } from '../../../auth/caller.js';
import type { Actor } from '../../../common/actor.js';
import { Flag } from '../../../http/validation/fields.js';
import { ApiErrors } from '../../../http/openapi/api-errors.js';
import { type Check, Checked, ForbidUnknownFields } from '../../../http/validation/request.pipe.js';
import type { Project } from '../../../projects/project.entity.js';
import { CurrentProject, RequiresPermission } from '../../../projects/permissions/project.guards.js';
import { KeyVerifier } from './key-verifier.js';

/** Accepts any text: the response, not the validation, reports a malformed key. */
const nonEmptyText: Check = (value) => {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
  return value.trim() === '' ? { type: 'string_too_short', msg: 'must not be empty' } : undefined;
};

@ForbidUnknownFields({ description: 'A secret key to ask Stripe about. It is not stored.' })
export class ValidateStripeCredentialsRequest {
  @ApiProperty({
    description: 'A secret key or a restricted key.',
    type: String,
    minLength: 1,
    writeOnly: true,
    example: `sk_test_${'a'.repeat(32)}`,
  })
  @Checked(nonEmptyText)
  secret_key: string;

  @Flag({ description: 'Whether the key is for test mode instead of live mode.', default: true })
  is_test_mode = true;
}

@ApiSchema({ description: 'The verdict on the key.' })
export class ValidateStripeCredentialsResponse {
  @ApiProperty({
    description: 'Whether Stripe accepts the key with all needed permissions.',
    type: Boolean,
    example: true,
  })
  valid: boolean;

  @ApiProperty({
    description: 'The reason, and what to do.',
    type: String,
    example: 'Stripe accepts this key.',
  })
  message: string;
}

@ApiTags('Stripe connection')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('config:validate')
@Controller('payments/stripe/projects/:project_id')
export class StripeConnectionController {
  constructor(private readonly verifier: KeyVerifier) {}

  @Post('validate-credentials')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'validateStripeCredentials',
    summary: 'Ask Stripe about a secret key',
    description:
      'Asks Stripe whether the key is valid and has all needed permissions. The key is not stored.',
  })
  @ApiOkResponse({ description: 'The verdict on the key.', type: ValidateStripeCredentialsResponse })
  @ApiErrors({ project: true, body: true })
  async validate(
    @CurrentProject() project: Project,
    @Body() body: ValidateStripeCredentialsRequest,
    @CurrentActor() actor: Actor,
  ): Promise<ValidateStripeCredentialsResponse> {
    const { valid, message } = await this.verifier.verify(
      project,
      body.secret_key,
      body.is_test_mode ? 'test' : 'live',
      { actor },
    );
    return { valid, message };
  }
}
