import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { ApiNullableString, ApiNullableTime, ApiTime, ApiUuid } from '../../../http/openapi/api-property.js';
import { CREDENTIAL_RULES, type CredentialField, type CredentialKind, credentialRule, type StripeMode } from '../credential-rules.js';
import { type ConfigWarning, configWarnings, WARNING_CODES } from '../config-warnings.js';
import type { StripeConfig } from '../stripe-config.js';

@ApiSchema({ name: 'StripeConfigWarning', description: 'Something that is valid but looks wrong.' })
class StripeConfigWarning implements ConfigWarning {
  @ApiProperty({ description: 'A stable name for what looks wrong.', enum: WARNING_CODES, example: 'missing_webhook_secret' })
  code: ConfigWarning['code'];

  @ApiProperty({
    description: 'The credential that it is about.',
    enum: CREDENTIAL_RULES.map(({ field }) => field),
    example: credentialRule('test', 'webhook_secret').field,
  })
  field: CredentialField;

  @ApiProperty({
    description: 'What looks wrong and what follows from it.',
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

  @ApiProperty({ description: 'Whether the configuration is in use; `false` after DELETE.', type: Boolean, example: true })
  is_active: boolean;

  @ApiProperty({ description: 'Whether the test secret key is stored, which makes test mode usable.', type: Boolean, example: true })
  has_test_credentials: boolean;

  @ApiProperty({ description: 'Whether the live secret key is stored, which makes live mode usable.', type: Boolean, example: false })
  has_live_credentials: boolean;
}

/** One property for each rule: `test_secret_key_masked` and so on. */
class MaskedCredentials extends ConfigOfProject {}

for (const { field, mode, kind, prefix } of CREDENTIAL_RULES) {
  const description = `Prefix and last four characters of the ${mode} ${kind.replace('_', ' ')}; \`null\` when not set.`;
  ApiNullableString({ description, example: `${prefix}...aBcD` })(MaskedCredentials.prototype, `${field}_masked`);
}

@ApiSchema({ description: "A project's Stripe credentials, masked. The full values are never returned." })
export class StripeConfigResponse extends MaskedCredentials {
  @ApiNullableTime('When a test credential was last written; `null` when there is none.')
  test_configured_at: string | null;

  @ApiNullableTime('When a live credential was last written; `null` when there is none.')
  live_configured_at: string | null;

  @ApiTime('When the configuration was first made.')
  created_at: string;

  @ApiNullableTime('When anything of it last changed.')
  updated_at: string | null;

  @ApiProperty({ description: 'What is valid but looks wrong; mostly empty.', type: [StripeConfigWarning] })
  warnings: ConfigWarning[];
}

export function toStripeConfigResponse(config: StripeConfig): StripeConfigResponse {
  const { credentials } = config;
  const find = (wantedMode: StripeMode, wantedKind: CredentialKind) =>
    credentials.find(({ mode, kind }) => mode === wantedMode && kind === wantedKind);
  const masks = CREDENTIAL_RULES.map(({ field, mode, kind }) => [`${field}_masked`, find(mode, kind)?.mask ?? null] as const);
  const configuredAt = (wanted: StripeMode) =>
    credentials.reduce<string | null>(
      (latest, { mode, writtenAt }) => (mode === wanted && (latest ?? '') < writtenAt ? writtenAt : latest),
      null,
    );
  return {
    id: config.id,
    project_id: config.projectId,
    is_active: config.isActive,
    has_test_credentials: find('test', 'secret_key') !== undefined,
    has_live_credentials: find('live', 'secret_key') !== undefined,
    ...Object.fromEntries(masks),
    test_configured_at: configuredAt('test'),
    live_configured_at: configuredAt('live'),
    created_at: config.createdAt,
    updated_at: config.updatedAt,
    warnings: configWarnings(credentials),
  };
}
