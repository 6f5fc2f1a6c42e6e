import { Controller, Delete, Get, HttpCode, HttpStatus, Param, Put, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { LRUCache } from 'lru-cache';
import { CurrentActor } from '../../auth/caller.js';
import type { Actor } from '../../common/actor.js';
import { Settings } from '../../config/settings.js';
import { MAX_WEBHOOK_SECRET_OVERLAP_SECONDS } from '../../config/variables.js';
import { BodyAndQuery, QueryFlagPipe, QueryNumberPipe } from '../../http/validation/request.pipe.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import { CurrentProject, RequiresPermission } from '../../projects/permissions/project.guards.js';
import { STRIPE_MODES, type StripeMode, StripeModePipe } from '../stripe/stripe-mode.js';
import {
  assertCondition,
  type ConfigState,
  type CredentialChanges,
  entityTagOf,
  failedCondition,
  type Precondition,
  sharingModes,
  type StripeConfig,
} from './stripe-config.js';
import {
  ApiPreconditions,
  CurrentPrecondition,
  ENTITY_TAG,
  StripeConfigRequest,
  StripeConfigResponse,
  StripeWebhookUrlsResponse,
  toStripeConfigResponse,
  webhookUrl,
} from './stripe-config.dto.js';
import { type OwnedConfig, StripeConfigRepository } from './stripe-config.repository.js';
import { StripeConfigService } from './stripe-config.service.js';

/** The guard reads owner and state in one query. */
const READER = { reader: StripeConfigRepository };

/** About 1.5 KB each. */
const MAX_BODIES = 2_000;

const OVERLAP = new QueryNumberPipe('webhook_secret_overlap', 0, MAX_WEBHOOK_SECRET_OVERLAP_SECONDS);
const VALIDATE = new QueryFlagPipe('validate', false);

@ApiTags('Stripe configuration')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@ApiExtraModels(StripeConfigResponse)
@Controller('payments/stripe/projects/:project_id')
export class StripeConfigController {
  /** Bodies of `GET` by project and version. */
  readonly #bodies = new LRUCache<string, string>({ max: MAX_BODIES });

  constructor(
    private readonly configs: StripeConfigService,
    private readonly settings: Settings,
  ) {}

  /** Every shown change raises the version, except that `account_shared` comes and goes with other projects. */
  async #show({
    id,
    state,
    sharesAccount,
  }: OwnedConfig): Promise<{ state: ConfigState | StripeConfig; body: string }> {
    const kept = state && !sharesAccount ? this.#bodies.get(`${id} ${state.version}`) : undefined;
    if (kept !== undefined) return { state, body: kept };
    const config = state && (await this.configs.find(id));
    if (!config) return { state: config, body: 'null' };
    const body = JSON.stringify(toStripeConfigResponse(config));
    if (sharingModes(config).length === 0) this.#bodies.set(`${id} ${config.version}`, body);
    return { state: config, body };
  }

  @Put('config')
  @RequiresPermission('config:write', READER)
  @ApiOperation({
    operationId: 'saveStripeConfig',
    summary: 'Create or update the Stripe credentials',
    description:
      'Seals and stores the given credentials: all of them or, if one is wrong, none. The answer has masks.',
  })
  @ApiQuery({
    name: 'validate',
    description:
      'Whether to verify the given secret keys with Stripe first. If Stripe refuses one, nothing is stored.',
    required: false,
    schema: { type: 'boolean', default: false },
  })
  @ApiQuery({
    name: 'webhook_secret_overlap',
    description:
      "Seconds for which a replaced webhook secret stays valid; by default the operator's setting. 0 ends it at once, together with earlier overlaps: in the modes whose webhook secret is in the body or, without any, in both modes.",
    required: false,
    schema: { type: 'integer', minimum: 0, maximum: MAX_WEBHOOK_SECRET_OVERLAP_SECONDS, example: 0 },
  })
  @ApiBody({ type: StripeConfigRequest })
  @ApiOkResponse({
    description: 'The configuration as it is now.',
    type: StripeConfigResponse,
    headers: ENTITY_TAG,
  })
  @ApiPreconditions()
  @ApiErrors({ project: true, body: true })
  async save(
    @CurrentProject() { id }: OwnedConfig,
    @BodyAndQuery(StripeConfigRequest, VALIDATE, OVERLAP)
    [body, verify, webhookSecretOverlap]: [CredentialChanges, boolean, number | undefined],
    @CurrentPrecondition() precondition: Precondition,
    @CurrentActor() actor: Actor,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StripeConfigResponse> {
    const options = { ...precondition, actor, webhookSecretOverlap, verify };
    const saved = await this.configs.saveValidated(id, body, options);
    reply.header('etag', entityTagOf(saved));
    return toStripeConfigResponse(saved);
  }

  @Get('config')
  @RequiresPermission('config:read', READER)
  @ApiOperation({
    operationId: 'getStripeConfig',
    summary: 'Show the Stripe credentials, masked',
    description: 'The configuration, or `null` when the project never had one.',
  })
  @ApiOkResponse({
    description: 'The configuration, or `null`.',
    schema: { anyOf: [{ $ref: getSchemaPath(StripeConfigResponse) }, { type: 'null' }] },
    headers: ENTITY_TAG,
  })
  @ApiResponse({
    status: HttpStatus.NOT_MODIFIED,
    description: 'The configuration still has the tag in `If-None-Match`.',
    headers: ENTITY_TAG,
  })
  @ApiPreconditions()
  @ApiErrors({ project: true })
  async find(
    @CurrentProject() project: OwnedConfig,
    @CurrentPrecondition() precondition: Precondition,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { state, body } = await this.#show(project);
    reply.header('etag', entityTagOf(state));
    // `account_shared` may have begun under the version that the client knows.
    const isComparable = precondition.ifNoneMatch === '*' || sharingModes(state).length === 0;
    if (isComparable && failedCondition(precondition, state) === 'ifNoneMatch')
      return void reply.code(HttpStatus.NOT_MODIFIED).send();
    assertCondition({ ifMatch: precondition.ifMatch }, state);
    void reply.type('application/json; charset=utf-8').send(body);
  }

  @Delete('config')
  @RequiresPermission('config:write', READER)
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'deleteStripeConfig',
    summary: 'Destroy all Stripe credentials',
    description:
      'Destroys all credentials irrevocably. The inactive configuration, subscriptions and payments stay.',
  })
  @ApiNoContentResponse({ description: 'The credentials are destroyed.' })
  @ApiErrors({ project: true, orMissing: 'it never had a configuration' })
  @ApiPreconditions()
  async remove(
    @CurrentProject() { id }: OwnedConfig,
    @CurrentPrecondition() precondition: Precondition,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    await this.configs.remove(id, { ...precondition, actor });
  }

  @Delete('config/:mode')
  @RequiresPermission('config:write', READER)
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiParam({ name: 'mode', description: 'Mode of the credentials.', enum: STRIPE_MODES })
  @ApiOperation({
    operationId: 'deleteStripeCredentialsOfMode',
    summary: 'Destroy the Stripe credentials of one mode',
    description: 'Destroys the credentials of this mode. The other mode does not change.',
  })
  @ApiNoContentResponse({ description: 'The credentials of the mode are destroyed.' })
  @ApiErrors({ project: true, orMissing: 'it never had a configuration' })
  @ApiPreconditions()
  async removeMode(
    @CurrentProject() { id }: OwnedConfig,
    @Param('mode', StripeModePipe) mode: StripeMode,
    @CurrentPrecondition() precondition: Precondition,
    @CurrentActor() actor: Actor,
  ): Promise<void> {
    await this.configs.removeMode(id, mode, { ...precondition, actor });
  }

  @Get('webhook-urls')
  @RequiresPermission('config:read', READER)
  @ApiOperation({
    operationId: 'getStripeWebhookUrls',
    summary: "Show the project's webhook URLs",
    description: "The URLs to register as webhook endpoints in Stripe's dashboard, one for each mode.",
  })
  @ApiOkResponse({ description: 'The URLs.', type: StripeWebhookUrlsResponse })
  @ApiErrors({ project: true })
  webhookUrls(@CurrentProject() { id }: OwnedConfig): StripeWebhookUrlsResponse {
    return {
      test_webhook_url: webhookUrl(this.settings, id, 'test'),
      live_webhook_url: webhookUrl(this.settings, id, 'live'),
    };
  }
}
