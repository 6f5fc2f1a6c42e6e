import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { type Problem, ValidationFailed } from '../../common/errors.js';
import { isSecureUrl, origin } from '../../config/rules.js';
import { ApiNullableString, ApiTime, ApiUuid } from '../../http/openapi/api-errors.js';
import { TextField, WholeNumber } from '../../http/validation/fields.js';
import { type Check, Checked, ForbidUnknownFields } from '../../http/validation/request.pipe.js';
import { ReturnUrl, returnUrlProblemInMode } from '../billing/checkout/return-url.js';
import { STRIPE_MODES, type StripeMode, StripeModeField } from '../stripe/stripe-mode.js';
import type { ConnectLink, NewConnectLink } from './connect-links.repository.js';

const DEFAULT_SECONDS = 15 * 60;
const MAX_SECONDS = 7 * 86_400;
const RETURN_URL = 'https://platform.example.com/stripe';
const ORIGIN = 'https://platform.example.com';

/** An origin that a Content-Security-Policy can contain: other characters would end its directive. */
const PLAIN_ORIGIN = /^https?:\/\/[a-z0-9.-]{1,253}(?::\d{1,5})?$/;

const embedOriginProblem: Check = (value) => {
  const parsed = typeof value === 'string' ? origin(value) : undefined;
  if (parsed === undefined || parsed !== value || !PLAIN_ORIGIN.test(parsed))
    return { type: 'value_error', msg: `must be an origin such as ${ORIGIN}, without a path` };
  return isSecureUrl(parsed)
    ? undefined
    : {
        type: 'value_error',
        msg: 'must start with https:// (http:// only on a loopback host, in test mode)',
      };
};

function EmbedOrigin(): PropertyDecorator {
  return applyDecorators(
    ApiNullableString({
      description: 'The origin whose pages may show the link in a frame, and get a message at the end.',
      example: ORIGIN,
      pattern: '^https?://[^/]+$',
      required: false,
    }),
    IsOptional(),
    Checked(embedOriginProblem),
  );
}

@ForbidUnknownFields({ description: 'Where a tenant connects which mode, and where the tenant goes then.' })
export class ConnectLinkCreateRequest {
  @StripeModeField('Mode of the key that the tenant is asked for.')
  mode: StripeMode;

  @ReturnUrl('Where the tenant goes after connecting.', RETURN_URL)
  return_url: string;

  @TextField({
    description: 'A text of yours, which `return_url` gets as `state`.',
    example: 'tenant-4711',
    maxLength: 1_000,
    optional: true,
  })
  state?: string | null;

  @EmbedOrigin()
  embed_origin?: string | null;

  @WholeNumber({
    description: 'For how many seconds the link works.',
    minimum: 60,
    maximum: MAX_SECONDS,
    default: DEFAULT_SECONDS,
  })
  @Transform(({ value }: { value: unknown }) => value ?? DEFAULT_SECONDS)
  expires_in: number = DEFAULT_SECONDS;
}

@ApiSchema({ description: 'A new link. Its URL is shown this once.' })
export class ConnectLinkCreatedResponse {
  @ApiUuid("The link's id.")
  id: string;

  @ApiProperty({
    description: 'Send the tenant there, or show it in a frame of `embed_origin`. It works once.',
    type: String,
    example: `https://tillkeeper.example.com/connect/tkc_${'a'.repeat(43)}1bPmpR`,
  })
  url: string;

  @ApiTime('When the link expires.')
  expires_at: string;
}

@ApiSchema({ description: 'An open link.' })
export class ConnectLinkResponse {
  @ApiUuid("The link's id.")
  id: string;

  @ApiProperty({ description: 'Mode of the key.', enum: STRIPE_MODES, example: 'test' })
  mode: StripeMode;

  @ApiProperty({ description: 'Where the tenant goes then.', type: String, example: RETURN_URL })
  return_url: string;

  @ApiNullableString({ description: 'Text of the platform.', example: 'tenant-4711' })
  state: string | null;

  @ApiNullableString({ description: 'The origin that may show it in a frame.', example: ORIGIN })
  embed_origin: string | null;

  @ApiTime('Time of creation.')
  created_at: string;

  @ApiTime('When the link expires.')
  expires_at: string;
}

/** @throws ValidationFailed for URLs that live mode refuses */
export function toNewConnectLink(body: ConnectLinkCreateRequest): NewConnectLink {
  const { mode, return_url: returnUrl, state = null, embed_origin: embedOrigin = null } = body;
  const problems = Object.entries({ return_url: returnUrl, embed_origin: embedOrigin }).flatMap(
    ([field, url]): Problem[] => {
      const problem = url === null ? undefined : returnUrlProblemInMode(url, mode);
      return problem ? [{ loc: ['body', field], ...problem }] : [];
    },
  );
  if (problems.length > 0) throw new ValidationFailed(problems);
  const createdAt = new Date();
  const expiresAt = new Date(createdAt.getTime() + body.expires_in * 1_000);
  return { mode, returnUrl, state, embedOrigin, createdAt, expiresAt };
}

export function toConnectLinkResponse(link: ConnectLink): ConnectLinkResponse {
  return {
    id: link.id,
    mode: link.mode,
    return_url: link.returnUrl,
    state: link.state,
    embed_origin: link.embedOrigin,
    created_at: link.createdAt.toISOString(),
    expires_at: link.expiresAt.toISOString(),
  };
}
