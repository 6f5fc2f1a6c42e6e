import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { isNetwork } from '../auth/opaque-keys/networks.js';
import type { ServiceAccount } from '../auth/caller.js';
import { readTime } from '../common/typed-text.js';
import { ApiNullableTime, ApiTime, ApiUuid } from '../http/openapi/api-errors.js';
import { TextField, wholeNumberCheck, WholeNumber } from '../http/validation/fields.js';
import { type Check, Checked, ForbidUnknownFields, OptionalBody } from '../http/validation/request.pipe.js';
import type {
  AccountWithKey,
  ListedAccount,
  NewServiceAccount,
  Rotation,
} from './service-accounts.repository.js';

export const SERVICE_ACCOUNT_ROLES = ['viewer', 'admin'] as const satisfies ServiceAccount['role'][];
const MOST_NETWORKS = 50;
const MAX_REQUESTS_PER_MINUTE = 1_000_000;
export const DEFAULT_GRACE_SECONDS = 86_400;
const MAX_GRACE_SECONDS = 604_800;

const EXAMPLE_KEY = `tks_${'a'.repeat(43)}4CJoky`;
const NETWORKS = ['203.0.113.0/24', '2001:db8::/32'];

function roleProblem(value: unknown): ReturnType<Check> {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  return SERVICE_ACCOUNT_ROLES.some((role) => role === value)
    ? undefined
    : { type: 'enum', msg: `must be one of ${SERVICE_ACCOUNT_ROLES.join(', ')}` };
}

export const limitProblem = wholeNumberCheck(1, MAX_REQUESTS_PER_MINUTE);
export const graceProblem = wholeNumberCheck(0, MAX_GRACE_SECONDS);

export function networksProblem(value: unknown): ReturnType<Check> {
  if (!Array.isArray(value))
    return { type: 'value_error', msg: 'must be a list of addresses and CIDR ranges' };
  if (value.length === 0 || value.length > MOST_NETWORKS)
    return {
      type: 'value_error',
      msg: `must have 1 to ${MOST_NETWORKS} entries; leave it out to allow every address`,
    };
  return value.every((network) => typeof network === 'string' && isNetwork(network))
    ? undefined
    : {
        type: 'value_error',
        msg: 'must be addresses and CIDR ranges such as 203.0.113.0/24 or 2001:db8::/32, IPv4 in its own form',
      };
}

export function futureTimeProblem(value: unknown): ReturnType<Check> {
  const time = readTime(value);
  return time && time.getTime() > Date.now()
    ? undefined
    : { type: 'value_error', msg: 'must be a time to come, as 2040-01-01T00:00:00Z' };
}

function FutureTime(description: string): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      description,
      anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }],
      example: '2040-01-01T00:00:00.000Z',
      required: false,
    }),
    IsOptional(),
    Checked(futureTimeProblem),
  );
}

@ForbidUnknownFields({ description: 'A new service account.' })
export class ServiceAccountCreateRequest {
  @TextField({
    description: 'What people call it.',
    example: 'Billing backend',
    minLength: 1,
    maxLength: 255,
  })
  name: string;

  @ApiProperty({ description: 'What it may do.', enum: SERVICE_ACCOUNT_ROLES, example: 'admin' })
  @Checked(roleProblem)
  role: ServiceAccount['role'];

  @FutureTime('When its key ends. Without it, never.')
  expires_at?: string | null;

  @ApiProperty({
    description: 'Addresses and CIDR ranges from which its key may be used. Without it, from everywhere.',
    anyOf: [
      { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: MOST_NETWORKS },
      { type: 'null' },
    ],
    example: NETWORKS,
    required: false,
  })
  @IsOptional()
  @Checked(networksProblem)
  networks?: string[] | null;

  @ApiProperty({
    description:
      'How many requests it may send in a minute to one process. Without it, as many as any caller. More than that only for an operator’s account.',
    anyOf: [{ type: 'integer', minimum: 1, maximum: MAX_REQUESTS_PER_MINUTE }, { type: 'null' }],
    example: 300,
    required: false,
  })
  @IsOptional()
  @Checked(limitProblem)
  requests_per_minute?: number | null;
}

@OptionalBody()
@ForbidUnknownFields({ description: 'How to rotate. Nothing is required.' })
export class ServiceAccountRotateRequest {
  @WholeNumber({
    description: 'For how many seconds the former keys stay valid. 0 ends them at once.',
    minimum: 0,
    maximum: MAX_GRACE_SECONDS,
    default: DEFAULT_GRACE_SECONDS,
  })
  @Transform(({ value }: { value: unknown }) => value ?? DEFAULT_GRACE_SECONDS)
  grace_seconds: number = DEFAULT_GRACE_SECONDS;

  @FutureTime('When the new key ends. Without it, when the former one would.')
  expires_at?: string | null;
}

@ApiSchema({ description: 'A service account.' })
export class ServiceAccountResponse {
  @ApiUuid('Its id, by which the history names it.')
  id: string;

  @ApiProperty({ description: 'What people call it.', type: String, example: 'Billing backend' })
  name: string;

  @ApiProperty({ description: 'What it may do.', enum: SERVICE_ACCOUNT_ROLES, example: 'admin' })
  role: ServiceAccount['role'];

  @ApiNullableTime('When its key ends; `null` for never.')
  expires_at: string | null;

  @ApiProperty({
    description: 'From where its key may be used; `null` for everywhere.',
    anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'null' }],
    example: NETWORKS,
  })
  networks: string[] | null;

  @ApiProperty({
    description:
      'How many requests it may send in a minute to one process; `null` for as many as any caller.',
    anyOf: [{ type: 'integer' }, { type: 'null' }],
    example: 300,
  })
  requests_per_minute: number | null;

  @ApiTime('When it was made.')
  created_at: string;

  @ApiNullableTime('When a key of it was last used, at most a minute behind; `null` for never.')
  last_used_at: string | null;

  @ApiNullableTime('Until when former keys stay valid after a rotation; `null` if there are none.')
  former_key_expires_at: string | null;
}

@ApiSchema({ description: 'A service account, with its new key.' })
export class ServiceAccountKeyResponse extends ServiceAccountResponse {
  @ApiProperty({
    description: 'To be sent as `Authorization: Bearer <key>`. It is not shown again.',
    type: String,
    example: EXAMPLE_KEY,
  })
  key: string;
}

export function toNewAccount(request: ServiceAccountCreateRequest): NewServiceAccount {
  const { name, role, expires_at: expiresAt, networks, requests_per_minute: requestsPerMinute } = request;
  return {
    name,
    role,
    expiresAt: readTime(expiresAt) ?? null,
    networks: networks ?? [],
    requestsPerMinute: requestsPerMinute ?? null,
  };
}

export function toRotation({
  grace_seconds: seconds,
  expires_at: end,
}: ServiceAccountRotateRequest): Rotation {
  const expiresAt = readTime(end);
  return { graceMs: seconds * 1_000, ...(expiresAt && { expiresAt }) };
}

export function toServiceAccountResponse(account: ListedAccount): ServiceAccountResponse {
  return {
    id: account.id,
    name: account.name,
    role: account.role,
    expires_at: account.expiresAt?.toISOString() ?? null,
    networks: account.networks.length > 0 ? [...account.networks] : null,
    requests_per_minute: account.requestsPerMinute,
    created_at: account.createdAt.toISOString(),
    last_used_at: account.lastUsedAt?.toISOString() ?? null,
    former_key_expires_at: account.formerKeyExpiresAt?.toISOString() ?? null,
  };
}

export function toKeyResponse({ account, key }: AccountWithKey): ServiceAccountKeyResponse {
  return { ...toServiceAccountResponse(account), key };
}
