import { Body, Controller, Delete, HttpCode, HttpStatus, Param, Post, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentActor } from '../../../auth/caller.js';
import type { Actor } from '../../../common/actor.js';
import { ApiErrors, ErrorResponse } from '../../../http/openapi/api-errors.js';
import { Idempotent } from '../../idempotency/idempotency.interceptor.js';
import { CurrentProject, RequiresPermission } from '../../../projects/permissions/project.guards.js';
import type { Project } from '../../../projects/project.entity.js';
import { STRIPE_MODES, type StripeMode, StripeModePipe } from '../../stripe/stripe-mode.js';
import { WebhookEndpointCreateRequest, WebhookEndpointResponse } from './webhook-endpoint.dto.js';
import { STRIPE_API_VERSION } from '../../stripe/stripe-connector.js';
import { WebhookEndpointsService } from './webhook-endpoints.service.js';

const CONFLICT = ApiConflictResponse({
  description:
    'Stripe prevents the operation: an endpoint that was not created here, the limit of endpoints, or a key that is refused or lacks a permission. Or another call is not finished (with `Retry-After`).',
  type: ErrorResponse,
});

@ApiTags('Stripe connection')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('endpoints:write')
@Controller('payments/stripe/projects/:project_id/webhook-endpoints')
export class WebhookEndpointsController {
  constructor(private readonly endpoints: WebhookEndpointsService) {}

  @Post()
  @Idempotent({ body: WebhookEndpointCreateRequest })
  @ApiOperation({
    operationId: 'createStripeWebhookEndpoint',
    summary: 'Create the webhook endpoint at Stripe',
    description:
      "Creates the endpoint with the project's own key, and stores its signing secret. An existing endpoint is updated in place if its secret is stored, and replaced otherwise.",
  })
  @ApiCreatedResponse({ description: 'The endpoint was created.', type: WebhookEndpointResponse })
  @ApiOkResponse({ description: 'The endpoint existed already.', type: WebhookEndpointResponse })
  @CONFLICT
  @ApiErrors({ project: true, orMissing: 'the mode has no secret key', body: true })
  async create(
    @CurrentProject() { id: projectId }: Project,
    @Body() { mode }: WebhookEndpointCreateRequest,
    @CurrentActor() actor: Actor,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookEndpointResponse> {
    const { endpoint, created } = await this.endpoints.ensure({ projectId, mode }, { actor });
    reply.status(created ? HttpStatus.CREATED : HttpStatus.OK);
    return {
      id: endpoint.id,
      url: endpoint.url,
      events: endpoint.enabled_events,
      version: endpoint.api_version ?? STRIPE_API_VERSION,
    };
  }

  @Delete(':mode')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiParam({ name: 'mode', description: 'Mode of the endpoint.', enum: STRIPE_MODES })
  @ApiOperation({
    operationId: 'deleteStripeWebhookEndpoint',
    summary: 'Remove the webhook endpoint at Stripe',
    description:
      "Removes the endpoint that was created here, with its signing secret. An endpoint in another account than the stored key's is out of reach, and only its record here is removed.",
  })
  @ApiNoContentResponse({ description: 'The endpoint is removed.' })
  @CONFLICT
  @ApiErrors({ project: true, orMissing: 'the mode has no secret key, or no endpoint that was created here' })
  async remove(
    @CurrentProject() { id: projectId }: Project,
    @Param('mode', StripeModePipe) mode: StripeMode,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    await this.endpoints.remove({ projectId, mode }, { actor });
  }
}
