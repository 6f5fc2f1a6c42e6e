import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, ApiSchema } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional, ValidateIf } from 'class-validator';
import {
  ApiNullableString,
  ApiNullableTime,
  ApiNullableUuid,
  ApiTime,
  ApiUuid,
} from '../../../http/openapi/api-errors.js';
import { secretProblem, TextField, WholeNumber } from '../../../http/validation/fields.js';
import {
  type Check,
  Checked,
  ForbidUnknownFields,
  OptionalBody,
} from '../../../http/validation/request.pipe.js';
import { STRIPE_MODES, type StripeMode } from '../../stripe/stripe-mode.js';
import { MAX_URL_LENGTH } from '../delivery/receiver-addresses.js';
import { type EventType, SUBSCRIBABLE_TYPES } from '../event-types.js';
import type { DestinationSettings, DestinationWithSecret } from './destinations.service.js';
import type { DestinationRow } from './destinations.statements.js';

const MOST_HEADERS = 16;
const MAX_HEADER_LENGTH = 1_000;
const DEFAULT_OVERLAP_SECONDS = 86_400;
const MAX_OVERLAP_SECONDS = 604_800;

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
/** Headers that the connection, the body or the signature needs. */
const RESERVED_HEADERS =
  /^(?:webhook-.*|proxy-.*|host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive|user-agent|cookie)$/i;

function urlProblem(value: unknown): ReturnType<Check> {
  if (value === undefined) return { type: 'missing', msg: 'is required' };
  if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
  return value.length > MAX_URL_LENGTH
    ? { type: 'string_too_long', msg: `must have at most ${MAX_URL_LENGTH} characters` }
    : (secretProblem(value) ?? secretProblem(unescaped(value)));
}

/** The text without the escapes of a URL, of which those that are no text stay. */
function unescaped(url: string): string {
  return url.replace(/%[0-7][0-9a-f]/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}

function typesProblem(value: unknown): ReturnType<Check> {
  if (!Array.isArray(value)) return { type: 'value_error', msg: 'must be a list of event types' };
  if (value.length === 0) return { type: 'value_error', msg: 'must have an entry; send null for all types' };
  if (new Set(value).size < value.length) return { type: 'value_error', msg: 'has an entry twice' };
  return value.every((type) => SUBSCRIBABLE_TYPES.some((known) => known === type))
    ? undefined
    : { type: 'enum', msg: `must have only ${SUBSCRIBABLE_TYPES.join(', ')}` };
}

function modeProblem(value: unknown): ReturnType<Check> {
  return STRIPE_MODES.some((mode) => mode === value)
    ? undefined
    : { type: 'enum', msg: 'must be test or live, or null for both' };
}

function enabledProblem(value: unknown): ReturnType<Check> {
  return typeof value === 'boolean' ? undefined : { type: 'bool_type', msg: 'must be true or false' };
}

function headersProblem(value: unknown): ReturnType<Check> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { type: 'dict_type', msg: 'must be an object of names and values' };
  const headers = Object.entries(value);
  const names = headers.map(([name]) => name.toLowerCase());
  if (headers.length > MOST_HEADERS)
    return { type: 'value_error', msg: `must have at most ${MOST_HEADERS} headers` };
  if (names.some((name) => !HEADER_NAME.test(name) || name === '__proto__'))
    return { type: 'value_error', msg: 'has a name that HTTP does not allow, or one over 100 characters' };
  if (headers.some(([name]) => secretProblem(name)))
    return {
      type: 'value_error',
      msg: 'has a name that looks like a key; names are shown, so a key belongs into the value',
    };
  if (new Set(names).size < names.length) return { type: 'value_error', msg: 'has a name twice' };
  if (names.some((name) => RESERVED_HEADERS.test(name)))
    return {
      type: 'value_error',
      msg: 'has a name that may not be set here, such as Host, Cookie or Webhook-Id; docs/events.md lists them',
    };
  return headers.every(
    ([, text]) => typeof text === 'string' && text.length <= MAX_HEADER_LENGTH && HEADER_VALUE.test(text),
  )
    ? undefined
    : {
        type: 'value_error',
        msg: `must have values of 1 to ${MAX_HEADER_LENGTH} visible ASCII characters, without blanks at the ends`,
      };
}

const Url = (required: boolean) =>
  applyDecorators(
    ApiProperty({
      description:
        'Where events are sent: https, a public address, no user name. Outside of production also http and this machine.',
      type: 'string',
      maxLength: MAX_URL_LENGTH,
      example: 'https://example.com/events',
      required,
    }),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value)),
    // `null` is refused, an absent one stays.
    ValidateIf((_, value) => required || value !== undefined),
    Checked(urlProblem),
  );

/** The fields that a request may leave out. */
class DestinationFields {
  @ApiProperty({
    description: 'The types to send; `null` for all, those of later versions too.',
    anyOf: [
      { type: 'array', items: { type: 'string', enum: SUBSCRIBABLE_TYPES }, minItems: 1, uniqueItems: true },
      { type: 'null' },
    ],
    example: ['subscription.created', 'payment.succeeded'],
    required: false,
  })
  @IsOptional()
  @Checked(typesProblem)
  event_types?: EventType[] | null;

  @ApiProperty({
    description:
      'Send events of this mode of Stripe only; `null` for both. Events without a mode are always sent.',
    anyOf: [{ type: 'string', enum: [...STRIPE_MODES] }, { type: 'null' }],
    example: 'live',
    required: false,
  })
  @IsOptional()
  @Checked(modeProblem)
  mode?: StripeMode | null;

  @TextField({
    description: 'What people call it.',
    example: 'Billing backend',
    maxLength: 500,
    optional: true,
  })
  description?: string | null;

  @ApiProperty({
    description: `Up to ${MOST_HEADERS} headers to send with each event, for a gateway that asks for a key. They are sealed, and never shown again.`,
    anyOf: [{ type: 'object', additionalProperties: { type: 'string' } }, { type: 'null' }],
    example: { 'X-Api-Key': 'example' },
    required: false,
  })
  @IsOptional()
  @Checked(headersProblem)
  headers?: Record<string, string> | null;

  @ApiProperty({
    description: 'Whether events are sent. Enabling it again ends the count of its failures.',
    type: 'boolean',
    example: true,
    required: false,
  })
  @ValidateIf((_, value) => value !== undefined)
  @Checked(enabledProblem)
  enabled?: boolean;
}

@ForbidUnknownFields({ description: 'A new event destination.' })
export class EventDestinationCreateRequest extends DestinationFields {
  @Url(true)
  url: string;
}

@ForbidUnknownFields({ description: 'Changes of an event destination. Absent fields stay.' })
export class EventDestinationUpdateRequest extends DestinationFields {
  @Url(false)
  url?: string;
}

@OptionalBody()
@ForbidUnknownFields({ description: 'How to rotate. Nothing is required.' })
export class EventDestinationRotateRequest {
  @WholeNumber({
    description: 'For how many seconds the former secret signs too. 0 ends it and those before it at once.',
    minimum: 0,
    maximum: MAX_OVERLAP_SECONDS,
    default: DEFAULT_OVERLAP_SECONDS,
  })
  @Transform(({ value }: { value: unknown }) => value ?? DEFAULT_OVERLAP_SECONDS)
  overlap_seconds: number = DEFAULT_OVERLAP_SECONDS;
}

@ApiSchema({ description: 'An event destination.' })
export class EventDestinationResponse {
  @ApiUuid('Its id.')
  id: string;

  @ApiNullableUuid('The project; `null` for a destination of the operator, which gets the events of all.')
  project_id: string | null;

  @ApiProperty({ description: 'Where events are sent.', type: String, example: 'https://example.com/events' })
  url: string;

  @ApiProperty({
    description: 'The types that are sent; `null` for all.',
    anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'null' }],
    example: ['subscription.created', 'payment.succeeded'],
  })
  event_types: string[] | null;

  @ApiProperty({
    description: 'The mode whose events are sent; `null` for both.',
    anyOf: [{ type: 'string', enum: [...STRIPE_MODES] }, { type: 'null' }],
    example: 'live',
  })
  mode: StripeMode | null;

  @ApiNullableString({ description: 'What people call it.', example: 'Billing backend' })
  description: string | null;

  @ApiProperty({
    description: 'The names of the custom headers. Their values are not shown.',
    type: [String],
    example: ['X-Api-Key'],
  })
  header_names: string[];

  @ApiProperty({ description: 'Whether events are sent.', type: Boolean, example: true })
  enabled: boolean;

  @ApiNullableString({
    description:
      'Why this service disabled it: `gone` after an answer with 410, `failing` after five days of failures. `null` otherwise.',
    example: 'failing',
  })
  disabled_reason: string | null;

  @ApiNullableTime('When the first attempt since the last success failed; `null` if the last one succeeded.')
  failing_since: string | null;

  @ApiNullableTime('When an attempt last failed; `null` if none did.')
  last_failure_at: string | null;

  @ApiNullableTime('Until when former secrets sign too; `null` if none does.')
  former_secret_expires_at: string | null;

  @ApiTime('When it was made.')
  created_at: string;

  @ApiTime('When it was last changed.')
  updated_at: string;
}

@ApiExtraModels(EventDestinationResponse)
@ApiSchema({ description: 'An event destination, with its new signing secret.' })
export class EventDestinationSecretResponse extends EventDestinationResponse {
  @ApiProperty({
    description: 'Signs the events by Standard Webhooks 1.0. It is not shown again.',
    type: String,
    example: `whsec_${'a'.repeat(43)}`,
  })
  secret: string;
}

/** The settings that a request names. `null` is the same as absent in a new destination. */
export function readSettings(request: EventDestinationUpdateRequest): Partial<DestinationSettings> {
  const { url, event_types: eventTypes, mode, description, headers, enabled } = request;
  return {
    ...(url !== undefined && { url }),
    ...(eventTypes !== undefined && { eventTypes }),
    ...(mode !== undefined && { mode }),
    ...(description !== undefined && { description }),
    ...(headers !== undefined && { headers: headers ?? {} }),
    ...(enabled !== undefined && { enabled }),
  };
}

export function readNewSettings(request: EventDestinationCreateRequest): DestinationSettings {
  const defaults = { eventTypes: null, mode: null, description: null, headers: {}, enabled: true };
  return { ...defaults, url: request.url, ...readSettings(request) };
}

export function toDestinationResponse(row: DestinationRow): EventDestinationResponse {
  const formerUntil = row.formerValidUntil;
  return {
    id: row.id,
    project_id: row.projectId,
    url: row.url,
    event_types: row.eventTypes?.trim().split(' ') ?? null,
    mode: row.mode,
    description: row.description,
    header_names: row.headerNames === '' ? [] : row.headerNames.split(' '),
    enabled: row.enabled,
    disabled_reason: row.disabledReason,
    failing_since: row.failingSince?.toISOString() ?? null,
    last_failure_at: row.lastFailureAt?.toISOString() ?? null,
    former_secret_expires_at:
      formerUntil && formerUntil.getTime() > Date.now() ? formerUntil.toISOString() : null,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}

export function toSecretResponse({
  destination,
  secret,
}: DestinationWithSecret): EventDestinationSecretResponse {
  return { ...toDestinationResponse(destination), secret };
}
