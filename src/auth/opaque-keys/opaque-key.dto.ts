import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { readTime } from '../../common/typed-text.js';
import { ApiNullableTime } from '../../http/openapi/api-errors.js';
import { wholeNumberCheck, WholeNumber } from '../../http/validation/fields.js';
import { type Check, Checked } from '../../http/validation/request.pipe.js';
import { isNetwork } from './networks.js';
import type { KeyFacts } from './opaque-keys.js';

const MOST_NETWORKS = 50;
export const DEFAULT_GRACE_SECONDS = 86_400;
const MAX_GRACE_SECONDS = 604_800;

const NETWORKS = ['203.0.113.0/24', '2001:db8::/32'];

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
  if (!time)
    return {
      type: 'datetime_parsing',
      msg: 'must be a time as in 2040-01-01T00:00:00Z, with Z or an offset',
    };
  return time.getTime() > Date.now()
    ? undefined
    : { type: 'value_error', msg: 'must be a time to come, as 2040-01-01T00:00:00Z' };
}

export function FutureTime(description: string): PropertyDecorator {
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

/** Addresses and CIDR ranges in a body; absent or `null` for every address. */
export function Networks(description: string): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      description,
      anyOf: [
        { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: MOST_NETWORKS },
        { type: 'null' },
      ],
      example: NETWORKS,
      required: false,
    }),
    IsOptional(),
    Checked(networksProblem),
  );
}

/** How to rotate a key. Each kind of key has a subclass with its own name in the OpenAPI document. */
export abstract class KeyRotateRequest {
  @WholeNumber({
    description: 'For how many seconds the former keys stay valid. 0 ends them at once.',
    minimum: 0,
    maximum: MAX_GRACE_SECONDS,
    default: DEFAULT_GRACE_SECONDS,
  })
  @Transform(({ value }: { value: unknown }) => value ?? DEFAULT_GRACE_SECONDS)
  grace_seconds: number = DEFAULT_GRACE_SECONDS;

  @FutureTime('Expiry of the new key. Without it, the expiry of the former key.')
  expires_at?: string | null;
}

export interface KeyRotation {
  readonly graceMs: number;
  /** By default as before. */
  readonly expiresAt?: Date;
}

export function toKeyRotation({ grace_seconds: seconds, expires_at: end }: KeyRotateRequest): KeyRotation {
  const expiresAt = readTime(end);
  return { graceMs: seconds * 1_000, ...(expiresAt && { expiresAt }) };
}

/** What an answer says about the keys of a holder. */
export abstract class KeyFactsResponse {
  @ApiNullableTime('Expiry of its key; `null` without one.')
  expires_at: string | null;

  @ApiProperty({
    description: 'Networks from which its key may be used; `null` for all.',
    anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'null' }],
    example: NETWORKS,
  })
  networks: string[] | null;

  @ApiNullableTime('Time of the last use of a key, at most a minute behind; `null` for never.')
  last_used_at: string | null;

  @ApiNullableTime('Expiry of former keys after a rotation; `null` without one.')
  former_key_expires_at: string | null;
}

export function toKeyFactsResponse(facts: KeyFacts): KeyFactsResponse {
  return {
    expires_at: facts.expiresAt?.toISOString() ?? null,
    networks: facts.networks.length > 0 ? [...facts.networks] : null,
    last_used_at: facts.lastUsedAt?.toISOString() ?? null,
    former_key_expires_at: facts.formerKeyExpiresAt?.toISOString() ?? null,
  };
}
