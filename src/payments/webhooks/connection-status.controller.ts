import { Controller, Get } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiSchema,
  ApiTags,
} from '@nestjs/swagger';
import { ApiErrors, ApiNullableString, ApiNullableTime } from '../../http/openapi/api-errors.js';
import type { Project } from '../../projects/project.entity.js';
import { CurrentProject, RequiresPermission } from '../../projects/permissions/project.guards.js';
import { KeyHealth } from '../stripe-config/keys/key-health.js';
import type { ConnectionState } from '../stripe-config/keys/key-health.repository.js';
import { CHECKED_BY } from '../stripe-config/keys/key-probe.js';
import { StripeConfigService, type UnreadableCredentials } from '../stripe-config/stripe-config.service.js';
import type { StripeMode } from '../stripe/stripe-mode.js';
import {
  ENDPOINT_PROBLEMS,
  type EndpointProblem,
  SIGNATURE_CAUSES,
  type SignatureCause,
} from '../payments-events.js';
import { ConnectionChecksRepository } from './monitor/connection-checks.repository.js';
import { DeliveryObserver } from './monitor/delivery-observer.js';
import type { ConnectionCheckRow } from './monitor/connection-checks.statements.js';
import { WebhookEventsService, type WebhookState } from './events/webhook-events.service.js';

const STATES = ['not_configured', 'unverified', 'valid', 'invalid'] as const;

@ApiSchema({ name: 'StripeWebhookStatus', description: "The state of one mode's webhooks." })
class WebhookStatus {
  @ApiNullableString({
    description: "Stripe's id of the endpoint that was created here; `null` without one.",
    example: 'we_aaaaaaaaaaaaaaaaaaaaaaaa',
  })
  endpoint_id: string | null;

  @ApiProperty({
    description:
      'What the last check found wrong with the endpoint that was created here: `missing` at Stripe, `disabled` there, with an `other_url`, with `missing_events`, or with an `old_version` of the API from before 2018. `null` if nothing is known to be wrong.',
    anyOf: [{ type: 'string', enum: [...ENDPOINT_PROBLEMS] }, { type: 'null' }],
    example: 'disabled',
  })
  endpoint_problem: EndpointProblem | null;

  @ApiNullableTime('When a check first found this problem; `null` without one.')
  endpoint_problem_since: string | null;

  @ApiNullableTime(
    'When events of Stripe were found that had never arrived, in a project that usually gets events; `null` otherwise.',
  )
  silent_since: string | null;

  @ApiProperty({
    description:
      'Deliveries in a row that were refused for their signature, since the last one that was accepted.',
    type: 'integer',
    example: 0,
  })
  signature_failures: number;

  @ApiNullableTime('When the first of them arrived; `null` without one.')
  signature_failures_since: string | null;

  @ApiProperty({
    description:
      'Their likely cause: `wrong_secret`, the stored secret is not that of the endpoint; `other_mode`, it is that of the other mode; `changed_body`, a proxy changes bodies. `null` without one.',
    anyOf: [{ type: 'string', enum: [...SIGNATURE_CAUSES] }, { type: 'null' }],
    example: 'wrong_secret',
  })
  signature_failure_cause: SignatureCause | null;

  @ApiNullableTime('End of the overlap in which a former webhook secret is valid too; `null` without one.')
  former_secret_valid_until: string | null;

  @ApiNullableTime(
    'When a delivery last had the signature of a former webhook secret and none of the current one; `null` if none did.',
  )
  former_secret_used_at: string | null;

  @ApiNullableTime('When the last event arrived; `null` before the first event.')
  last_event_at: string | null;

  @ApiNullableTime('When a delivery last failed or was unreadable; `null` if none did.')
  last_failure_at: string | null;

  @ApiNullableString({
    description: 'Reason of the last failure, or that the stored webhook secret can not be unsealed.',
    example: 'The signature does not match the stored webhook secret.',
  })
  last_failure_reason: string | null;

  @ApiProperty({
    description:
      'Number of events in a form that this version does not know. `webhook-events?outcome=unreadable` lists them.',
    type: 'integer',
    example: 0,
  })
  unreadable_events: number;
}

@ApiSchema({ name: 'StripeModeStatus', description: "The state of one mode's connection to Stripe." })
class ModeStatus {
  @ApiProperty({
    description:
      "`not_configured`: no secret key is stored. `unverified`: Stripe was not asked about the stored key yet. `valid`, `invalid`: Stripe's last verdict, by a validation or a call with the key. A stored key that can not be unsealed is `invalid` too.",
    enum: STATES,
    example: 'valid',
  })
  state: (typeof STATES)[number];

  @ApiNullableString({
    description: 'Id of the Stripe account, if known.',
    example: 'acct_1AAAAAAAAAAAAAAA',
  })
  account_id: string | null;

  @ApiNullableString({ description: 'Name of the Stripe account, if known.', example: 'Corner shop' })
  account_name: string | null;

  @ApiNullableTime("Time of Stripe's last verdict on the stored key.")
  verified_at: string | null;

  @ApiProperty({
    description:
      'Occasion of the verdict: the validate operation, a save with `validate=true`, or a call with the key, by the daily check too.',
    anyOf: [{ type: 'string', enum: [...CHECKED_BY] }, { type: 'null' }],
    example: 'validation',
  })
  verified_by: (typeof CHECKED_BY)[number] | null;

  @ApiNullableTime(
    'When the daily check last asked Stripe about key and endpoint; `null` before the first one.',
  )
  checked_at: string | null;

  @ApiNullableString({
    description: 'Why the key is invalid, and what to do.',
    example: 'This key has expired; make a new one in the Stripe dashboard.',
  })
  last_error: string | null;

  @ApiProperty({ type: WebhookStatus })
  webhook: WebhookStatus;
}

@ApiSchema({ description: "The state of a project's connections to Stripe." })
export class StripeConfigStatusResponse {
  @ApiProperty({ type: ModeStatus })
  test: ModeStatus;

  @ApiProperty({ type: ModeStatus })
  live: ModeStatus;

  @ApiProperty({
    description: "Whether the operator has paused the gateway, which then refuses all of the project's keys.",
    type: Boolean,
    example: false,
  })
  gateway_paused: boolean;
}

function toModeStatus(
  state: ConnectionState | undefined,
  webhooks: WebhookState | undefined,
  unreadable: UnreadableCredentials[StripeMode],
  checked: ConnectionCheckRow | undefined,
): ModeStatus {
  const { hasSecretKey = false, check = null, formerSecretValidUntil = null } = state ?? {};
  const hasEndpoint = Boolean(webhooks?.endpointId);
  const verified =
    unreadable.secretKey !== undefined
      ? 'invalid'
      : check?.valid
        ? 'valid'
        : check
          ? 'invalid'
          : 'unverified';
  return {
    state: hasSecretKey ? verified : 'not_configured',
    account_id: check?.accountId ?? null,
    account_name: check?.accountName ?? null,
    verified_at: check?.checkedAt.toISOString() ?? null,
    verified_by: check?.checkedBy ?? null,
    checked_at: hasSecretKey ? (checked?.checkedAt?.toISOString() ?? null) : null,
    last_error: unreadable.secretKey ?? check?.error ?? null,
    webhook: {
      endpoint_id: webhooks?.endpointId ?? null,
      endpoint_problem: (hasEndpoint && checked?.endpointProblem) || null,
      endpoint_problem_since: (hasEndpoint && checked?.endpointProblemSince?.toISOString()) || null,
      silent_since: checked?.silentSince?.toISOString() ?? null,
      signature_failures: checked?.signatureFailures ?? 0,
      signature_failures_since: checked?.signatureFailuresSince?.toISOString() ?? null,
      signature_failure_cause: checked?.signatureCause ?? null,
      former_secret_valid_until: formerSecretValidUntil?.toISOString() ?? null,
      former_secret_used_at: (formerSecretValidUntil && checked?.formerSecretUsedAt?.toISOString()) || null,
      last_event_at: webhooks?.lastEventAt?.toISOString() ?? null,
      last_failure_at: webhooks?.lastFailure?.at.toISOString() ?? null,
      last_failure_reason: unreadable.webhookSecret ?? webhooks?.lastFailure?.reason ?? null,
      unreadable_events: webhooks?.unreadableEvents ?? 0,
    },
  };
}

function toModes(
  states: ConnectionState[],
  webhooks: WebhookState[],
  unreadable: UnreadableCredentials,
  checks: ConnectionCheckRow[],
): Pick<StripeConfigStatusResponse, StripeMode> {
  const of = (mode: StripeMode) => {
    const isOfMode = (each: { mode: StripeMode }) => each.mode === mode;
    return toModeStatus(
      states.find(isOfMode),
      webhooks.find(isOfMode),
      unreadable[mode],
      checks.find(isOfMode),
    );
  };
  return { test: of('test'), live: of('live') };
}

/** Health of a project's keys and webhooks. It is in this folder because it depends on both. */
@ApiTags('Stripe connection')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('config:read')
@Controller('payments/stripe/projects/:project_id/config/status')
export class ConnectionStatusController {
  constructor(
    private readonly health: KeyHealth,
    private readonly configs: StripeConfigService,
    private readonly events: WebhookEventsService,
    private readonly checks: ConnectionChecksRepository,
    private readonly observer: DeliveryObserver,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'getStripeConfigStatus',
    summary: 'Show whether the stored credentials work',
    description: "Stripe's last verdict on the stored keys, and the state of the webhooks, for each mode.",
  })
  @ApiOkResponse({ description: 'The state of both modes.', type: StripeConfigStatusResponse })
  @ApiErrors({ project: true })
  async status(@CurrentProject() { id, gatewayPaused }: Project): Promise<StripeConfigStatusResponse> {
    await this.observer.write();
    const modes = toModes(
      await this.health.find(id),
      await this.events.states(id),
      await this.configs.findUnreadable(id),
      await this.checks.findByProject(id),
    );
    return { ...modes, gateway_paused: gatewayPaused };
  }
}
