import { ApiProperty, ApiSchema, PickType } from '@nestjs/swagger';
import type { Settings } from '../../config/settings.js';
import { ApiNullableString, ApiTime } from '../../http/openapi/api-errors.js';
import { ForbidUnknownFields } from '../../http/validation/request.pipe.js';
import { ValidateStripeCredentialsRequest } from '../stripe-config/keys/stripe-connection.controller.js';
import type { KeyVerdict } from '../stripe-config/keys/key-probe.js';
import { neededPermissions, restrictedKeyUrl } from '../stripe/permissions.js';
import { STRIPE_MODES, type StripeMode } from '../stripe/stripe-mode.js';
import type { FoundLink } from './connect-links.repository.js';
import type { Completion } from './connect.service.js';

@ForbidUnknownFields({ description: "The tenant's key." })
export class ConnectKeyRequest extends PickType(ValidateStripeCredentialsRequest, ['secret_key'] as const) {}

@ApiSchema({ name: 'ConnectPlatform', description: 'Who asks for the key.' })
class PlatformResponse {
  @ApiProperty({ description: '`PLATFORM_NAME`.', type: String, example: 'Tillkeeper' })
  name: string;

  @ApiNullableString({ description: '`PLATFORM_COLOR`.', example: '#0b5fff' })
  color: string | null;
}

@ApiSchema({ name: 'ConnectPage', description: 'What the page of a link shows.' })
export class ConnectPageResponse {
  @ApiProperty({ type: PlatformResponse })
  platform: PlatformResponse;

  @ApiProperty({ description: 'Name of the project.', type: String, example: 'Corner shop' })
  project_name: string;

  @ApiProperty({ description: 'Mode of the key.', enum: STRIPE_MODES, example: 'test' })
  mode: StripeMode;

  @ApiNullableString({
    description: 'The origin that gets a message at the end.',
    example: 'https://platform.example.com',
  })
  embed_origin: string | null;

  @ApiTime('When the link expires.')
  expires_at: string;

  @ApiProperty({ description: 'What the key is needed for.', type: [String], example: ['Customers (write)'] })
  permissions: string[];

  @ApiNullableString({
    description:
      "Stripe's page for a restricted key with these permissions; `null` if restricted keys are not accepted here.",
    example: 'https://dashboard.stripe.com/test/apikeys/create',
  })
  restricted_key_url: string | null;
}

@ApiSchema({ name: 'ConnectVerdict', description: 'What Stripe says about the key.' })
export class ConnectVerdictResponse {
  @ApiProperty({
    description:
      'Whether Stripe accepts the key, which may read all that is needed. Nothing is written for the check.',
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

  @ApiNullableString({ description: "Name of the key's Stripe account, if known.", example: 'Corner shop' })
  account_name: string | null;
}

@ApiSchema({ name: 'ConnectCompletion', description: 'The key is stored.' })
export class ConnectCompletionResponse {
  @ApiProperty({
    description: 'Where to send the tenant, with `state`.',
    type: String,
    example: 'https://platform.example.com/stripe?state=tenant-4711',
  })
  return_url: string;

  @ApiProperty({
    description: 'Whether Stripe sends its events here now.',
    type: Boolean,
    example: true,
  })
  receives_events: boolean;

  @ApiNullableString({
    description: 'Why there is no webhook endpoint; `null` if there is one.',
    example: 'Stripe can not be reached at the moment; try again shortly.',
  })
  endpoint_problem: string | null;
}

export function toConnectPageResponse(
  { mode, projectName, embedOrigin, expiresAt }: FoundLink,
  { platform, stripeAcceptRestrictedKeys }: Settings,
): ConnectPageResponse {
  return {
    platform: { name: platform.name, color: platform.color ?? null },
    project_name: projectName,
    mode,
    embed_origin: embedOrigin,
    expires_at: expiresAt.toISOString(),
    permissions: neededPermissions(),
    restricted_key_url: stripeAcceptRestrictedKeys ? restrictedKeyUrl(mode, platform.name) : null,
  };
}

export function toConnectVerdictResponse({ valid, message, account }: KeyVerdict): ConnectVerdictResponse {
  return { valid, message, account_name: account?.name ?? null };
}

export function toConnectCompletionResponse({
  returnUrl,
  endpointProblem,
}: Completion): ConnectCompletionResponse {
  return {
    return_url: returnUrl,
    receives_events: endpointProblem === undefined,
    endpoint_problem: endpointProblem ?? null,
  };
}
