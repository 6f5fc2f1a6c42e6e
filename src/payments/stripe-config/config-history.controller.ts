import { Controller, Get, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiSchema,
  ApiTags,
} from '@nestjs/swagger';
import { type Actor, ACTOR_KINDS } from '../../common/actor.js';
import {
  HISTORY_RESULTS,
  type HistoryDetails,
  type HistoryField,
  type HistoryResult,
  PROJECT_ACTIONS,
  type ProjectAction,
} from '../../history/history-entry.js';
import { HistoryRepository, type StoredEntry } from '../../history/history.repository.js';
import { ApiErrors, ApiNullableString, ApiNullableUuid, ApiTime } from '../../http/openapi/api-errors.js';
import { offsetOf, PageQuery } from '../../http/validation/page.query.js';
import type { Project } from '../../projects/project.entity.js';
import { CurrentProject, RequiresPermission } from '../../projects/project.guards.js';
import { STRIPE_MODES } from '../stripe/stripe-mode.js';
import { credentialRule } from './credential-rules.js';

@ApiSchema({ name: 'HistoryField', description: 'A field that was written or destroyed.' })
class HistoryFieldResponse {
  @ApiProperty({
    description: 'Its name.',
    type: String,
    example: credentialRule('live', 'secret_key').field,
  })
  field: string;

  @ApiNullableString({
    description: "A credential's last four characters, as far as its mask shows them.",
    example: 'aBcD',
  })
  last_four: string | null;
}

@ApiSchema({ name: 'HistoryActor', description: 'Who did something.' })
class HistoryActorResponse {
  @ApiProperty({
    description:
      '`person`: with an access token. `service_account`: a machine with a key. `module`: another part of the same installation. `system`: the service itself, or its operator.',
    enum: ACTOR_KINDS,
    example: 'person',
  })
  kind: Actor['kind'];

  @ApiProperty({
    description: "The token's `sub`, the id of the service account, or the name of the part.",
    type: String,
    example: 'developer-1',
  })
  subject: string;

  @ApiNullableString({
    description: "The service account's name at that time; `null` for others.",
    example: 'Billing backend',
  })
  name: string | null;
}

@ApiSchema({
  name: 'HistoryEntry',
  description: 'One thing that was done. It holds no value of a credential.',
})
export class HistoryEntryResponse {
  @ApiProperty({
    description: 'Its place in the history of the project, counted from 1.',
    type: 'integer',
    example: 7,
  })
  seq: number;

  @ApiTime('When it was done.')
  at: string;

  @ApiProperty({ description: 'What was done.', enum: PROJECT_ACTIONS, example: 'config.updated' })
  action: ProjectAction;

  @ApiProperty({
    description:
      '`done`, or what Stripe said of a key: `valid`, `invalid`, or `unavailable` when it could not be asked.',
    enum: HISTORY_RESULTS,
    example: 'done',
  })
  result: HistoryResult;

  @ApiProperty({ type: HistoryActorResponse })
  actor: HistoryActorResponse;

  @ApiNullableString({ description: 'From which address; `null` without a request.', example: '192.0.2.7' })
  ip: string | null;

  @ApiNullableString({
    description: 'What the client called itself, shortened; what could be a key in it is hidden.',
    example: 'curl/8.5.0',
  })
  user_agent: string | null;

  @ApiNullableString({
    description: 'What the answer had as `X-Request-Id`.',
    example: '0d3c9a52-3a5e-4f4e-9a55-0f0a6f0c2b11',
  })
  request_id: string | null;

  @ApiProperty({
    description: 'The mode, where it was about one.',
    anyOf: [{ type: 'string', enum: [...STRIPE_MODES] }, { type: 'null' }],
    example: null,
  })
  mode: string | null;

  @ApiProperty({
    description: 'The version of the configuration that it made, which is its `ETag`.',
    anyOf: [{ type: 'integer' }, { type: 'null' }],
    example: 3,
  })
  version: number | null;

  @ApiProperty({ description: 'What was written or destroyed.', type: [HistoryFieldResponse] })
  fields: HistoryFieldResponse[];

  @ApiNullableString({
    description: "Stripe's id of the webhook endpoint that was made or removed.",
    example: 'we_1AAAAAAAAAAAAAAAAAAAAAAA',
  })
  endpoint_id: string | null;

  @ApiNullableUuid('The service account that was made, rotated or revoked.')
  service_account_id: string | null;

  @ApiProperty({
    description:
      'The former webhook secrets that it destroyed, and which are no longer accepted from then on.',
    type: [HistoryFieldResponse],
    example: [],
  })
  former_webhook_secrets_ended: HistoryFieldResponse[];

  @ApiNullableString({
    description: 'The `subject` of the member that was added, changed or removed, or of the new owner.',
    example: '8a7c1f52-9d3b-4e60-b1f4-c25d7e0a9b38',
  })
  member: string | null;

  @ApiNullableString({
    description: 'The gateway key that was made, changed, rotated or revoked.',
    example: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11',
  })
  gateway_key_id: string | null;

  @ApiNullableString({ description: 'The role of that member, or of the invitation.', example: 'admin' })
  role: string | null;

  @ApiNullableString({
    description: 'The invitation that was made, withdrawn or used. Its address is not recorded.',
    example: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11',
  })
  invitation_id: string | null;
}

@ApiSchema({ name: 'HistoryList', description: "One page of a project's history, the newest first." })
export class HistoryListResponse {
  @ApiProperty({ description: 'The entries.', type: [HistoryEntryResponse] })
  entries: HistoryEntryResponse[];

  @ApiProperty({ description: 'How many there are in all.', type: 'integer', example: 1 })
  total: number;

  @ApiProperty({ description: 'Which page this is.', type: 'integer', example: 1 })
  page: number;

  @ApiProperty({ description: 'How many entries a page has.', type: 'integer', example: 50 })
  page_size: number;
}

function toHistoryEntryResponse({
  seq,
  at,
  action,
  result,
  actor,
  details,
}: StoredEntry): HistoryEntryResponse {
  const {
    mode,
    version,
    fields,
    endpoint,
    account,
    gateway_key: gatewayKey,
    actor_name: actorName,
    former_webhook_secrets_ended: ended,
    member,
    role,
    invitation,
  } = JSON.parse(details) as HistoryDetails;
  return {
    seq,
    at,
    action: action as ProjectAction,
    result: result as HistoryResult,
    actor: { kind: actor.kind, subject: actor.subject, name: actorName ?? null },
    ip: actor.ip,
    user_agent: actor.userAgent,
    request_id: actor.requestId,
    mode: mode ?? null,
    version: version ?? null,
    fields: toFields(fields),
    endpoint_id: endpoint ?? null,
    service_account_id: account ?? null,
    gateway_key_id: gatewayKey ?? null,
    former_webhook_secrets_ended: toFields(ended),
    member: member ?? null,
    role: role ?? null,
    invitation_id: invitation ?? null,
  };
}

function toFields(fields: readonly HistoryField[] = []): HistoryFieldResponse[] {
  return fields.map(({ field, last_four }) => ({ field, last_four: last_four ?? null }));
}

@ApiTags('Stripe configuration')
@ApiBearerAuth('HTTPBearer')
@ApiParam({
  name: 'project_id',
  description: "The project's id.",
  schema: { type: 'string', format: 'uuid' },
})
@RequiresPermission('history:read')
@Controller('payments/stripe/projects/:project_id/config/history')
export class ConfigHistoryController {
  constructor(private readonly history: HistoryRepository) {}

  @Get()
  @ApiOperation({
    operationId: 'listStripeConfigHistory',
    summary: 'List who changed what',
    description:
      'Every change of the credentials, the webhook endpoints and the project, and every validation, the newest first: who, when, from where. Nothing of it can be changed later without being found out.',
  })
  @ApiOkResponse({ description: 'One page of the history.', type: HistoryListResponse })
  @ApiErrors({ project: true })
  async list(@CurrentProject() { id }: Project, @Query() query: PageQuery): Promise<HistoryListResponse> {
    const { page, page_size } = query;
    const [entries, total] = await Promise.all([
      this.history.page(id, offsetOf(query), page_size),
      this.history.count(id),
    ]);
    return { entries: entries.map(toHistoryEntryResponse), total, page, page_size };
  }
}
