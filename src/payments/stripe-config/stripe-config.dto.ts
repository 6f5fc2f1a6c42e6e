import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader, ApiPreconditionFailedResponse, ApiProperty, ApiSchema } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import type { ProjectId } from '../../common/ids.js';
import type { Settings } from '../../config/settings.js';
import { type EntityTag, type EntityTags, readEntityTags } from '../../http/entity-tags.js';
import {
  ApiNullableString,
  ApiNullableTime,
  ApiTime,
  ApiUuid,
  ErrorResponse,
} from '../../http/openapi/api-errors.js';
import { Checked, ForbidUnknownFields } from '../../http/validation/request.pipe.js';
import type { StripeMode } from '../stripe/stripe-mode.js';
import {
  CREDENTIAL_RULES,
  type CredentialField,
  type CredentialKind,
  credentialProblem,
  type CredentialRule,
  credentialRule,
  MAX_CREDENTIAL_LENGTH,
} from './credential-rules.js';
import {
  type ConfigWarning,
  configWarnings,
  type Precondition,
  type StripeConfig,
  WARNING_CODES,
} from './stripe-config.js';

/** Request field of a credential. */
function StripeCredential(rule: CredentialRule): PropertyDecorator {
  return applyDecorators(
    ApiNullableString(schemaOf(rule)),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value)),
    IsOptional(),
    Checked((value, { stripeAcceptRestrictedKeys: acceptRestrictedKeys }) =>
      credentialProblem(rule, value, { acceptRestrictedKeys }),
    ),
  );
}

/** The pattern allows surrounding whitespace, which is trimmed. */
function schemaOf({
  mode,
  kind,
  prefix,
  restrictedPrefix,
}: CredentialRule): Parameters<typeof ApiNullableString>[0] {
  const prefixes = restrictedPrefix ? `(?:${prefix}|${restrictedPrefix})` : prefix;
  return {
    description: `The ${mode} ${kind.replace('_', ' ')}, at most ${MAX_CREDENTIAL_LENGTH} characters. Absent or \`null\` keeps what is stored.`,
    example: prefix + (mode === 'test' ? 'a' : 'b').repeat(32),
    pattern: `^\\s*${prefixes}[A-Za-z0-9_]+\\s*$`,
    required: false,
    writeOnly: true,
  };
}

/** Has one property per rule, like `CredentialChanges`. */
@ForbidUnknownFields({
  description:
    'The credentials to store. Every field is optional; a field that is absent or `null` keeps its stored value.',
})
export class StripeConfigRequest {}

for (const rule of CREDENTIAL_RULES) StripeCredential(rule)(StripeConfigRequest.prototype, rule.field);

@ApiSchema({ name: 'StripeConfigWarning', description: 'A valid value that looks wrong.' })
class StripeConfigWarning implements ConfigWarning {
  @ApiProperty({
    description: 'A stable name of the warning.',
    enum: WARNING_CODES,
    example: 'missing_webhook_secret',
  })
  code: ConfigWarning['code'];

  @ApiProperty({
    description: 'The suspicious credential.',
    enum: CREDENTIAL_RULES.map(({ field }) => field),
    example: credentialRule('test', 'webhook_secret').field,
  })
  field: CredentialField;

  @ApiProperty({
    description: 'The problem, and its consequence.',
    type: String,
    example: 'There is a test secret key but no test webhook secret.',
  })
  message: string;
}

class ConfigOfProject {
  @ApiUuid("The configuration's id.")
  id: string;

  @ApiUuid("The project's id.")
  project_id: string;

  @ApiProperty({
    description: 'Whether the configuration is in use; `false` after DELETE.',
    type: Boolean,
    example: true,
  })
  is_active: boolean;

  @ApiProperty({
    description: 'Whether the test secret key is stored, which makes test mode usable.',
    type: Boolean,
    example: true,
  })
  has_test_credentials: boolean;

  @ApiProperty({
    description: 'Whether the live secret key is stored, which makes live mode usable.',
    type: Boolean,
    example: false,
  })
  has_live_credentials: boolean;
}

/** Has one property per rule, such as `test_secret_key_masked`. */
class MaskedCredentials extends ConfigOfProject {}

for (const { field, mode, kind, prefix } of CREDENTIAL_RULES) {
  const description = `Prefix and last four characters of the ${mode} ${kind.replace('_', ' ')}; \`null\` when not set.`;
  ApiNullableString({ description, example: `${prefix}...aBcD` })(
    MaskedCredentials.prototype,
    `${field}_masked`,
  );
}

@ApiSchema({ description: "A project's Stripe credentials, masked. The full values are never returned." })
export class StripeConfigResponse extends MaskedCredentials {
  @ApiNullableTime('When a test credential was last stored; `null` without one.')
  test_configured_at: string | null;

  @ApiNullableTime('When a live credential was last stored; `null` without one.')
  live_configured_at: string | null;

  @ApiTime('When the configuration was created.')
  created_at: string;

  @ApiNullableTime('When the configuration last changed.')
  updated_at: string | null;

  @ApiProperty({ description: 'Warnings about valid values that look wrong.', type: [StripeConfigWarning] })
  warnings: ConfigWarning[];
}

export function toStripeConfigResponse(config: StripeConfig): StripeConfigResponse {
  const { credentials } = config;
  const find = (wantedMode: StripeMode, wantedKind: CredentialKind) =>
    credentials.find(({ mode, kind }) => mode === wantedMode && kind === wantedKind);
  const masks = CREDENTIAL_RULES.map(
    ({ field, mode, kind }) => [`${field}_masked`, find(mode, kind)?.mask ?? null] as const,
  );
  const configuredAt = (wanted: StripeMode) =>
    credentials
      .flatMap(({ mode, writtenAt }) => (mode === wanted ? [writtenAt.toISOString()] : []))
      .sort()
      .at(-1) ?? null;
  return {
    id: config.id,
    project_id: config.projectId,
    is_active: config.isActive,
    has_test_credentials: find('test', 'secret_key') !== undefined,
    has_live_credentials: find('live', 'secret_key') !== undefined,
    ...Object.fromEntries(masks),
    test_configured_at: configuredAt('test'),
    live_configured_at: configuredAt('live'),
    created_at: config.createdAt.toISOString(),
    updated_at: config.updatedAt.toISOString(),
    warnings: configWarnings(credentials),
  };
}

const description = (mode: string) => `Where Stripe sends the ${mode} mode events of this project.`;
const example = (mode: string) =>
  `https://tillkeeper.example.com/api/v1/payments/stripe/webhooks/6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11/${mode}`;

@ApiSchema({ description: "The webhook URLs to register in Stripe's dashboard." })
export class StripeWebhookUrlsResponse {
  @ApiProperty({ description: description('test'), type: String, example: example('test') })
  test_webhook_url: string;

  @ApiProperty({ description: description('live'), type: String, example: example('live') })
  live_webhook_url: string;
}

/** URL for the events of a project and mode. */
export function webhookUrl({ publicBaseUrl }: Settings, projectId: ProjectId, mode: StripeMode): string {
  return `${publicBaseUrl}/api/v1/payments/stripe/webhooks/${projectId}/${mode}`;
}

/** Reads `If-Match` and `If-None-Match`. @throws DomainError `malformed_request` */
export const CurrentPrecondition = createParamDecorator(
  (_: unknown, context: ExecutionContext): Precondition => {
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    return {
      ifMatch: versionsIn(readEntityTags('If-Match', headers['if-match']), STRONG),
      ifNoneMatch: versionsIn(readEntityTags('If-None-Match', headers['if-none-match']), CACHEABLE),
    };
  },
);

/** Tags of `entityTagOf` that count for `If-Match`: strong ones (RFC 9110, section 8.8.3.2). */
const STRONG = ({ isWeak }: EntityTag): boolean => !isWeak;
/** Tags that count for `If-None-Match`: those without `account_shared`, which can end under the same version. */
const CACHEABLE = ({ opaque }: EntityTag): boolean => !opaque.includes('-');

/** Versions in the tags of `entityTagOf`. Foreign tags are ignored. */
function versionsIn(
  tags: EntityTags | undefined,
  counts: (tag: EntityTag) => boolean,
): Precondition['ifMatch'] {
  if (tags === undefined || tags === '*') return tags;
  return tags
    .filter((tag) => /^(?:0|[1-9]\d{0,9})(?:-test)?(?:-live)?$/.test(tag.opaque) && counts(tag))
    .map(({ opaque }) => Number.parseInt(opaque, 10));
}

const TAG = { type: 'string', example: '"7"' } as const;

/** Header of responses that show the configuration. */
export const ENTITY_TAG = {
  ETag: {
    description: 'Tag of this state of the configuration. Every change makes another tag.',
    schema: TAG,
  },
};

/** Documents `If-Match` and `If-None-Match`. */
export function ApiPreconditions(): MethodDecorator {
  return applyDecorators(
    ApiHeader({
      name: 'If-Match',
      description:
        'Proceeds only if the current `ETag` is one of these or, with `*`, if there is an active configuration.',
      required: false,
      schema: TAG,
    }),
    ApiHeader({
      name: 'If-None-Match',
      description:
        'Proceeds only if the current `ETag` is none of these or, with `*`, if there is no active configuration.',
      required: false,
      schema: { type: 'string', example: '*' },
    }),
    ApiPreconditionFailedResponse({
      description:
        'The configuration does not have a state that the headers require. `ETag` has the current tag.',
      type: ErrorResponse,
      headers: ENTITY_TAG,
    }),
  );
}
