import { Controller, Get, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiSchema,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { type Actor, ACTOR_KINDS } from '../../../common/actor.js';
import {
  HISTORY_RESULTS,
  type HistoryDetails,
  type HistoryField,
  type HistoryResult,
  PROJECT_ACTIONS,
  type ProjectAction,
} from '../../../history/history-entry.js';
import { HistoryRepository, type StoredEntry } from '../../../history/history.repository.js';
import { ApiErrors, ApiNullableString, ApiNullableUuid, ApiTime } from '../../../http/openapi/api-errors.js';
import { QueryChoice, TextField } from '../../../http/validation/fields.js';
import { offsetOf, PageQuery } from '../../../http/validation/page.query.js';
import type { Project } from '../../../projects/project.entity.js';
import { CurrentProject, RequiresPermission } from '../../../projects/permissions/project.guards.js';
import { STRIPE_MODES } from '../../stripe/stripe-mode.js';
import { credentialRule } from '../credential-rules.js';
import { HistoryVerification } from './history-verification.js';

@ApiSchema({ name: 'HistoryField', description: 'A field that was written or destroyed.' })
class HistoryFieldResponse {
  @ApiProperty({
    description: 'Name of the field.',
    type: String,
    example: credentialRule('live', 'secret_key').field,
  })
  field: string;

  @ApiNullableString({
    description: 'The last four characters of a credential, if its mask shows them.',
    example: 'aBcD',
  })
  last_four: string | null;
}

@ApiSchema({ name: 'HistoryActor', description: 'The author of a change.' })
class HistoryActorResponse {
  @ApiProperty({
    description:
      '`person`: somebody with an access token. `service_account`: a machine with a key. `module`: another module of this installation. `system`: the service itself, or its operator.',
    enum: ACTOR_KINDS,
    example: 'person',
  })
  kind: Actor['kind'];

  @ApiProperty({
    description:
      'The `sub` of the token, the id of the service account, or the name of the module or system part.',
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

@ApiSchema({ name: 'HistoryHost', description: 'The host of a URL that changed.' })
class HistoryHostResponse {
  @ApiProperty({ description: 'The host before.', type: String, example: 'old.example.com' })
  before: string;

  @ApiProperty({ description: 'The host now.', type: String, example: 'example.com' })
  after: string;
}

@ApiExtraModels(HistoryHostResponse)
@ApiSchema({
  name: 'HistoryEntry',
  description: 'An entry of the history. It never has the value of a credential.',
})
export class HistoryEntryResponse {
  @ApiProperty({
    description: "Number of the entry in the project's history, from 1.",
    type: 'integer',
    example: 7,
  })
  seq: number;

  @ApiTime('Time of the action.')
  at: string;

  @ApiProperty({ description: 'The action.', enum: PROJECT_ACTIONS, example: 'config.updated' })
  action: ProjectAction;

  @ApiProperty({
    description:
      '`done`, or for a check of a key `valid`, `invalid`, or `unavailable` if Stripe could not be asked.',
    enum: HISTORY_RESULTS,
    example: 'done',
  })
  result: HistoryResult;

  @ApiProperty({ type: HistoryActorResponse })
  actor: HistoryActorResponse;

  @ApiNullableString({
    description: 'Network address of the caller; `null` without a request.',
    example: '192.0.2.7',
  })
  ip: string | null;

  @ApiNullableString({
    description: 'User agent of the client, shortened. Possible keys in it are hidden.',
    example: 'curl/8.5.0',
  })
  user_agent: string | null;

  @ApiNullableString({
    description: '`X-Request-Id` of the answer.',
    example: '0d3c9a52-3a5e-4f4e-9a55-0f0a6f0c2b11',
  })
  request_id: string | null;

  @ApiProperty({
    description: 'The affected mode; `null` if the action has none.',
    anyOf: [{ type: 'string', enum: [...STRIPE_MODES] }, { type: 'null' }],
    example: null,
  })
  mode: string | null;

  @ApiProperty({
    description: 'Version of the configuration after the action, which is its `ETag`.',
    anyOf: [{ type: 'integer' }, { type: 'null' }],
    example: 3,
  })
  version: number | null;

  @ApiProperty({ description: 'Fields that were written or destroyed.', type: [HistoryFieldResponse] })
  fields: HistoryFieldResponse[];

  @ApiNullableString({
    description: "Stripe's id of the created or removed webhook endpoint.",
    example: 'we_1AAAAAAAAAAAAAAAAAAAAAAA',
  })
  endpoint_id: string | null;

  @ApiNullableUuid('Id of the created, rotated or revoked service account.')
  service_account_id: string | null;

  @ApiProperty({
    description: 'Former webhook secrets that the action destroyed early.',
    type: [HistoryFieldResponse],
    example: [],
  })
  former_webhook_secrets_ended: HistoryFieldResponse[];

  @ApiNullableString({
    description: '`subject` of the added, changed or removed member, or of the new owner.',
    example: '8a7c1f52-9d3b-4e60-b1f4-c25d7e0a9b38',
  })
  member: string | null;

  @ApiNullableString({
    description: 'Id of the created, changed, rotated or revoked gateway key.',
    example: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11',
  })
  gateway_key_id: string | null;

  @ApiNullableString({ description: "The gateway key's name after the action.", example: 'Python worker' })
  gateway_key_name: string | null;

  @ApiNullableString({
    description: "Stripe's id of the event whose payload was read.",
    example: 'evt_1AAAAAAAAAAAAAAAAAAAAAAA',
  })
  webhook_event_id: string | null;

  @ApiNullableUuid('Id of the created, revoked or used connect link.')
  connect_link_id: string | null;

  @ApiNullableString({ description: 'Role of the member or invitation.', example: 'admin' })
  role: string | null;

  @ApiNullableString({
    description: 'Id of the created, withdrawn or used invitation. Its address is not recorded.',
    example: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11',
  })
  invitation_id: string | null;

  @ApiNullableString({
    description:
      'The event destination that was made, changed, deleted or disabled. Only the host of its URL is recorded.',
    example: '7d2c9b1e-4f83-4a6d-9c50-8b1e6f3a2d74',
  })
  event_destination_id: string | null;

  @ApiProperty({
    description: 'The host of the event destination before and after; `null` unless its URL changed.',
    anyOf: [{ $ref: getSchemaPath(HistoryHostResponse) }, { type: 'null' }],
  })
  event_destination_host: HistoryHostResponse | null;
}

@ApiSchema({ name: 'HistoryList', description: "One page of a project's history, newest first." })
export class HistoryListResponse {
  @ApiProperty({ description: 'The entries.', type: [HistoryEntryResponse] })
  entries: HistoryEntryResponse[];

  @ApiProperty({
    description: 'Number of entries with these filters on all pages.',
    type: 'integer',
    example: 1,
  })
  total: number;

  @ApiProperty({ description: 'Number of this page.', type: 'integer', example: 1 })
  page: number;

  @ApiProperty({ description: 'Entries per page.', type: 'integer', example: 50 })
  page_size: number;
}

@ApiSchema({ name: 'HistoryVerification', description: 'Whether the history is as it was written.' })
class HistoryVerificationResponse {
  @ApiProperty({ description: 'Whether there are no problems.', type: Boolean, example: true })
  valid: boolean;

  @ApiProperty({ description: 'Number of verified entries.', type: 'integer', example: 7 })
  entries: number;

  @ApiProperty({
    description: 'Entries that were altered, moved, forged or removed, and credentials that contradict them.',
    type: [String],
    example: [],
  })
  problems: readonly string[];

  @ApiTime('Time of the verification.')
  verified_at: string;
}

export class HistoryQuery extends PageQuery {
  @QueryChoice({ description: 'Only entries with this action', of: PROJECT_ACTIONS })
  action?: ProjectAction;

  @TextField({
    description: 'Only entries of the actor with this `subject`.',
    example: 'developer-1',
    maxLength: 255,
    optional: true,
  })
  actor?: string;
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
    name,
    webhook_event: webhookEvent,
    connect_link: connectLink,
    actor_name: actorName,
    former_webhook_secrets_ended: ended,
    member,
    role,
    invitation,
    destination,
    host,
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
    gateway_key_name: gatewayKey === undefined ? null : (name ?? null),
    webhook_event_id: webhookEvent ?? null,
    connect_link_id: connectLink ?? null,
    former_webhook_secrets_ended: toFields(ended),
    member: member ?? null,
    role: role ?? null,
    invitation_id: invitation ?? null,
    event_destination_id: destination ?? null,
    event_destination_host: host ?? null,
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
  constructor(
    private readonly history: HistoryRepository,
    private readonly verification: HistoryVerification,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listStripeConfigHistory',
    summary: 'List who changed what',
    description:
      'Every change of the project, its members, credentials and webhook endpoints, and every validation, newest first: who, when, from where. Later changes of the history are detected.',
  })
  @ApiOkResponse({ description: 'One page of the history.', type: HistoryListResponse })
  @ApiErrors({ project: true })
  async list(@CurrentProject() { id }: Project, @Query() query: HistoryQuery): Promise<HistoryListResponse> {
    const { action, actor: subject, page, page_size } = query;
    const [entries, total] = await Promise.all([
      this.history.page(id, offsetOf(query), page_size, { action, subject }),
      this.history.count(id, { action, subject }),
    ]);
    return { entries: entries.map(toHistoryEntryResponse), total, page, page_size };
  }

  @Get('verification')
  @ApiOperation({
    operationId: 'verifyStripeConfigHistory',
    summary: 'Verify the history',
    description:
      'Checks that this service wrote each entry, that none is missing, and that the stored credentials are those of the history. `tillkeeper audit verify` does it for all projects.',
  })
  @ApiOkResponse({ description: 'The result.', type: HistoryVerificationResponse })
  @ApiErrors({ project: true })
  async verify(@CurrentProject() { id }: Project): Promise<HistoryVerificationResponse> {
    const { entries, problems } = await this.verification.verify(id);
    return { valid: problems.length === 0, entries, problems, verified_at: new Date().toISOString() };
  }
}
