import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import {
  FutureTime,
  KeyFactsResponse,
  KeyRotateRequest,
  Networks,
  toKeyFactsResponse,
} from '../../../auth/opaque-keys/opaque-key.dto.js';
import { readTime } from '../../../common/typed-text.js';
import { ApiTime, ApiUuid } from '../../../http/openapi/api-errors.js';
import { TextField } from '../../../http/validation/fields.js';
import {
  type Check,
  Checked,
  ForbidUnknownFields,
  OptionalBody,
} from '../../../http/validation/request.pipe.js';
import { STRIPE_MODES, type StripeMode, StripeModeField } from '../../stripe/stripe-mode.js';
import type { GatewayKeyChanges, IssuedGatewayKey, ListedGatewayKey, NewGatewayKey } from './gateway-key.js';
import {
  GATEWAY_ACTIONS,
  type GatewayAction,
  type GatewayPermissions,
  PERMISSION_NAMES,
} from '../gateway-permissions.js';
import { permissionProblems } from './permission-problems.js';
import { type DayOfUsage, usedPermissions } from './gateway-usage.js';

const MOST_ACCOUNTS = 100;
/** Accounts, also as the paths that `Stripe-Context` takes. */
const ACCOUNT = /^acct_\w{1,64}(?:\/acct_\w{1,64}){0,4}$/;

const EXAMPLE_KEY = `tkg_test_${'a'.repeat(43)}4awSOR`;
const PERMISSIONS = { customers: 'write', 'checkout/sessions': 'write', subscriptions: 'read' };
const ACCOUNTS: string[] = [];

const accountsProblem: Check = (value) => {
  if (!Array.isArray(value) || value.length > MOST_ACCOUNTS)
    return { type: 'value_error', msg: `must be a list of at most ${MOST_ACCOUNTS} Stripe accounts` };
  return value.every((account) => typeof account === 'string' && ACCOUNT.test(account))
    ? undefined
    : { type: 'value_error', msg: 'must be ids of Stripe accounts, which begin with acct_' };
};

const PERMISSIONS_SCHEMA = {
  type: 'object' as const,
  propertyNames: { enum: [...PERMISSION_NAMES] },
  additionalProperties: { type: 'string' as const, enum: [...GATEWAY_ACTIONS] },
  example: PERMISSIONS,
};

const PERMISSIONS_MEANING =
  'What the key may do, by resource of Stripe: `read`, or `write`, which includes `read`. `*` is every resource. Nothing else is allowed.';

const ACCOUNTS_MEANING = 'Values of `Stripe-Account` and `Stripe-Context` that the key may send.';

function Accounts(): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      description: `${ACCOUNTS_MEANING} Without it, none.`,
      type: 'array',
      items: { type: 'string', pattern: ACCOUNT.source },
      maxItems: MOST_ACCOUNTS,
      example: ACCOUNTS,
      required: false,
    }),
    IsOptional(),
    Checked(accountsProblem),
  );
}

const NAME = { description: 'Name for people.', example: 'Python worker', minLength: 1, maxLength: 255 };

@ForbidUnknownFields({ description: 'A new gateway key.' })
export class GatewayKeyCreateRequest {
  @TextField(NAME)
  name: string;

  @StripeModeField('Which of the stored secret keys it stands for.')
  mode: StripeMode;

  @ApiProperty({ description: PERMISSIONS_MEANING, ...PERMISSIONS_SCHEMA })
  @Checked(permissionProblems)
  permissions: GatewayPermissions;

  @Accounts()
  accounts?: string[] | null;

  @FutureTime('Expiry of the key. Without it, the key does not expire.')
  expires_at?: string | null;

  @Networks('Addresses and CIDR ranges from which the key may be used. Without it, from everywhere.')
  networks?: string[] | null;
}

@ForbidUnknownFields({ description: 'Changes of a gateway key. An absent field stays as it is.' })
export class GatewayKeyUpdateRequest {
  @TextField({ ...NAME, optional: true })
  name?: string | null;

  @ApiProperty({
    description: `${PERMISSIONS_MEANING} Replaces all.`,
    ...PERMISSIONS_SCHEMA,
    selfRequired: false,
  })
  @IsOptional()
  @Checked(permissionProblems)
  permissions?: GatewayPermissions | null;

  @Accounts()
  accounts?: string[] | null;

  @Networks('Addresses and CIDR ranges from which the key may be used; `null` for everywhere.')
  networks?: string[] | null;

  @ApiProperty({
    description: 'Whether every request with the key is refused for now.',
    type: 'boolean',
    example: true,
    required: false,
  })
  @IsOptional()
  @Checked((value) =>
    typeof value === 'boolean' ? undefined : { type: 'bool_type', msg: 'must be true or false' },
  )
  paused?: boolean | null;
}

@OptionalBody()
@ForbidUnknownFields({ description: 'Options of a rotation. None is required.' })
export class GatewayKeyRotateRequest extends KeyRotateRequest {}

@ApiSchema({ description: 'A gateway key, without the key.' })
export class GatewayKeyResponse extends KeyFactsResponse {
  @ApiUuid('Its id, by which the history names it.')
  id: string;

  @ApiProperty({ description: 'Name for people.', type: String, example: 'Python worker' })
  name: string;

  @ApiProperty({
    description: 'Which of the stored secret keys it stands for.',
    enum: STRIPE_MODES,
    example: 'test',
  })
  mode: StripeMode;

  @ApiProperty({ description: 'Permissions of the key, by resource.', ...PERMISSIONS_SCHEMA })
  permissions: GatewayPermissions;

  @ApiProperty({ description: ACCOUNTS_MEANING, type: [String], example: ACCOUNTS })
  accounts: string[];

  @ApiProperty({
    description: 'Whether every request with the key is refused for now.',
    type: Boolean,
    example: false,
  })
  paused: boolean;

  @ApiTime('Time of creation.')
  created_at: string;
}

@ApiSchema({ description: 'A gateway key, with its text.' })
export class IssuedGatewayKeyResponse extends GatewayKeyResponse {
  @ApiProperty({
    description: 'Given to a Stripe SDK in place of a secret key. It is not shown again.',
    type: String,
    example: EXAMPLE_KEY,
  })
  key: string;
}

@ApiSchema({ description: 'A permission that requests of one day needed.' })
class PermissionUsageResponse {
  @ApiProperty({ description: 'The resource.', type: String, example: 'customers' })
  resource: string;

  @ApiProperty({ description: 'Action of the requests.', enum: GATEWAY_ACTIONS, example: 'read' })
  action: GatewayAction;

  @ApiProperty({ description: 'Requests that needed it.', type: 'integer', example: 120 })
  requests: number;

  @ApiProperty({ description: 'Those that the key was refused for.', type: 'integer', example: 0 })
  refused: number;
}

@ApiSchema({ description: 'Requests of one day.' })
class GatewayKeyDayResponse {
  @ApiProperty({ description: 'The day, in UTC.', type: 'string', format: 'date', example: '2026-11-21' })
  day: string;

  @ApiProperty({ description: 'All requests.', type: 'integer', example: 124 })
  requests: number;

  @ApiProperty({
    description: 'Requests with an error of Stripe or of the gateway.',
    type: 'integer',
    example: 3,
  })
  errors: number;

  @ApiProperty({ description: 'Requests without the needed permission.', type: 'integer', example: 1 })
  refused: number;

  @ApiProperty({ description: 'The permissions that they needed.', type: [PermissionUsageResponse] })
  permissions: PermissionUsageResponse[];
}

@ApiSchema({ description: 'Use of a gateway key.' })
export class GatewayKeyUsageResponse {
  @ApiProperty({ description: 'The days with requests, the newest first.', type: [GatewayKeyDayResponse] })
  days: GatewayKeyDayResponse[];

  @ApiProperty({
    description: 'The smallest permissions that cover all requests of these days that were allowed.',
    ...PERMISSIONS_SCHEMA,
    example: { customers: 'read' },
  })
  used_permissions: GatewayPermissions;
}

export function toUsageResponse(days: readonly DayOfUsage[]): GatewayKeyUsageResponse {
  return {
    days: days.map(({ permissions, ...day }) => ({ ...day, permissions: [...permissions] })),
    used_permissions: usedPermissions(days),
  };
}

export function toNewGatewayKey(request: GatewayKeyCreateRequest): NewGatewayKey {
  const { name, mode, permissions, accounts, expires_at: expiresAt, networks } = request;
  return {
    name,
    mode,
    permissions,
    accounts: accounts ?? [],
    expiresAt: readTime(expiresAt) ?? null,
    networks: networks ?? [],
  };
}

/** Networks of `null` are a change, as documented. Other fields of `null` stay. */
export function toChanges(request: GatewayKeyUpdateRequest): GatewayKeyChanges {
  const { name, permissions, accounts, networks, paused } = request;
  return {
    ...(typeof name === 'string' && { name }),
    ...(permissions && { permissions }),
    ...(accounts && { accounts }),
    ...(networks !== undefined && { networks: networks ?? [] }),
    ...(typeof paused === 'boolean' && { paused }),
  };
}

export function toGatewayKeyResponse(key: ListedGatewayKey): GatewayKeyResponse {
  const { id, name, mode, permissions, accounts, paused } = key;
  return {
    id,
    name,
    mode,
    permissions,
    accounts: [...accounts],
    paused,
    created_at: key.createdAt.toISOString(),
    ...toKeyFactsResponse(key),
  };
}

export function toIssuedResponse({ gatewayKey, key }: IssuedGatewayKey): IssuedGatewayKeyResponse {
  return { ...toGatewayKeyResponse(gatewayKey), key };
}
