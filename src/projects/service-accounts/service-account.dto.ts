import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import {
  FutureTime,
  KeyFactsResponse,
  KeyRotateRequest,
  Networks,
  toKeyFactsResponse,
} from '../../auth/opaque-keys/opaque-key.dto.js';
import type { ServiceAccount } from '../../auth/caller.js';
import { readTime } from '../../common/typed-text.js';
import { ApiTime, ApiUuid } from '../../http/openapi/api-errors.js';
import { TextField, wholeNumberCheck } from '../../http/validation/fields.js';
import {
  type Check,
  Checked,
  ForbidUnknownFields,
  OptionalBody,
} from '../../http/validation/request.pipe.js';
import type {
  AccountChanges,
  AccountWithKey,
  ListedAccount,
  NewServiceAccount,
} from './service-accounts.repository.js';

export const SERVICE_ACCOUNT_ROLES = ['viewer', 'admin'] as const satisfies ServiceAccount['role'][];
const MAX_REQUESTS_PER_MINUTE = 1_000_000;

const EXAMPLE_KEY = `tks_${'a'.repeat(43)}4CJoky`;

function roleProblem(value: unknown): ReturnType<Check> {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  return SERVICE_ACCOUNT_ROLES.some((role) => role === value)
    ? undefined
    : { type: 'enum', msg: `must be one of ${SERVICE_ACCOUNT_ROLES.join(', ')}` };
}

export const limitProblem = wholeNumberCheck(1, MAX_REQUESTS_PER_MINUTE);

function Limit(description: string): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      description,
      anyOf: [{ type: 'integer', minimum: 1, maximum: MAX_REQUESTS_PER_MINUTE }, { type: 'null' }],
      example: 300,
      required: false,
    }),
    IsOptional(),
    Checked(limitProblem),
  );
}

@ForbidUnknownFields({ description: 'A new service account.' })
export class ServiceAccountCreateRequest {
  @TextField({
    description: 'Name for people.',
    example: 'Billing backend',
    minLength: 1,
    maxLength: 255,
  })
  name: string;

  @ApiProperty({ description: 'Its role.', enum: SERVICE_ACCOUNT_ROLES, example: 'admin' })
  @Checked(roleProblem)
  role: ServiceAccount['role'];

  @FutureTime('Expiry of its key. Without it, the key does not expire.')
  expires_at?: string | null;

  @Networks('Addresses and CIDR ranges from which its key may be used. Without it, from everywhere.')
  networks?: string[] | null;

  @Limit(
    'Limit of requests per minute to one process. Without it, the limit of every caller applies. Only an operator’s account can have a higher one.',
  )
  requests_per_minute?: number | null;
}

@ForbidUnknownFields({ description: 'Changes of a service account. An absent field stays.' })
export class ServiceAccountUpdateRequest {
  @TextField({
    description: 'Name for people.',
    example: 'Billing backend',
    minLength: 1,
    maxLength: 255,
    optional: true,
  })
  name?: string | null;

  @Networks('Addresses and CIDR ranges from which its keys may be used; `null` for everywhere.')
  networks?: string[] | null;

  @Limit('Limit of requests per minute to one process; `null` for the limit of every caller.')
  requests_per_minute?: number | null;
}

@OptionalBody()
@ForbidUnknownFields({ description: 'Options of a rotation. None is required.' })
export class ServiceAccountRotateRequest extends KeyRotateRequest {}

@ApiSchema({ description: 'A service account.' })
export class ServiceAccountResponse extends KeyFactsResponse {
  @ApiUuid('Its id, by which the history names it.')
  id: string;

  @ApiProperty({ description: 'Name for people.', type: String, example: 'Billing backend' })
  name: string;

  @ApiProperty({ description: 'Its role.', enum: SERVICE_ACCOUNT_ROLES, example: 'admin' })
  role: ServiceAccount['role'];

  @ApiProperty({
    description: 'Limit of requests per minute to one process; `null` for the limit of every caller.',
    anyOf: [{ type: 'integer' }, { type: 'null' }],
    example: 300,
  })
  requests_per_minute: number | null;

  @ApiTime('Time of creation.')
  created_at: string;
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

export function toChanges(request: ServiceAccountUpdateRequest): AccountChanges {
  const { name, networks, requests_per_minute: requestsPerMinute } = request;
  return {
    ...(typeof name === 'string' && { name }),
    ...(networks !== undefined && { networks: networks ?? [] }),
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
  };
}

export function toServiceAccountResponse(account: ListedAccount): ServiceAccountResponse {
  return {
    id: account.id,
    name: account.name,
    role: account.role,
    requests_per_minute: account.requestsPerMinute,
    created_at: account.createdAt.toISOString(),
    ...toKeyFactsResponse(account),
  };
}

export function toKeyResponse({ account, key }: AccountWithKey): ServiceAccountKeyResponse {
  return { ...toServiceAccountResponse(account), key };
}
