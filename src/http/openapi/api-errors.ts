import { applyDecorators, HttpStatus } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions, ApiResponse, ApiSchema } from '@nestjs/swagger';

interface NullableOptions {
  description: string;
  example: string;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  writeOnly?: boolean;
  required?: boolean;
}

/** Documents a string or `null` the OpenAPI 3.1 way. */
export function ApiNullableString({
  description,
  example,
  required = true,
  writeOnly,
  ...schema
}: NullableOptions): PropertyDecorator {
  // `type` is explicit because a property declared in a loop has none to reflect. Swagger drops it beside
  // `anyOf`.
  const options: ApiPropertyOptions = {
    type: 'string',
    description,
    example,
    required,
    anyOf: [{ type: 'string', ...schema }, { type: 'null' }],
  };
  return ApiProperty(writeOnly ? { ...options, writeOnly } : options);
}

const UUID = { format: 'uuid', example: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11' };

export const ApiUuid = (description: string): PropertyDecorator =>
  ApiProperty({ description, type: 'string', ...UUID });

export const ApiNullableUuid = (description: string): PropertyDecorator =>
  ApiNullableString({ description, ...UUID });

const TIME = { format: 'date-time', example: '2026-11-21T09:30:00.000Z' };

/** Documents a time in RFC 3339: UTC, with three decimals and `Z`. */
export const ApiTime = (description: string): PropertyDecorator =>
  ApiProperty({ description, type: 'string', ...TIME });

export const ApiNullableTime = (description: string): PropertyDecorator =>
  ApiNullableString({ description, ...TIME });

@ApiSchema({ description: 'The problem in one sentence.' })
export class ErrorResponse {
  @ApiProperty({
    description: 'The problem, and what to do about it.',
    type: String,
    example: 'There is no project with this id.',
  })
  detail: string;
}

@ApiSchema({ description: 'One problem of the request.' })
class ValidationError {
  @ApiProperty({
    description: 'Location: `body`, `path`, `query` or `header`, then the name.',
    type: 'array',
    items: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
    example: ['body', 'test_secret_key'],
  })
  loc: (string | number)[];

  @ApiProperty({
    description: 'Advice. It never repeats the value.',
    type: String,
    example: 'must start with sk_test_; this looks like a live secret key',
  })
  msg: string;

  @ApiProperty({
    description: 'A stable name for the kind of problem.',
    type: String,
    example: 'value_error',
  })
  type: string;
}

@ApiSchema({ description: 'All problems of the request.' })
class HTTPValidationError {
  @ApiProperty({ description: 'One entry for each problem.', type: [ValidationError], required: false })
  detail: ValidationError[];
}

const DESCRIPTIONS = {
  400: 'The request is malformed.',
  401: 'There is no valid access token.',
  402: 'The payment was declined, needs a confirmation, or there is no card. Nothing was changed.',
  403: 'The caller has no role in the project, the role lacks the permission, or the token is of another kind.',
  404: 'There is no such project.',
  409: "The project's Stripe account prevents the operation, or a request with the same `Idempotency-Key` is still running.",
  408: 'The body took more than 15 seconds to arrive.',
  413: 'The body is too large.',
  415: 'The body is not `application/json`.',
  429: 'Too many requests; try again after `Retry-After` seconds.',
  500: 'Something went wrong on our side.',
  503: 'The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds.',
} as const;

type DocumentedStatus = keyof typeof DESCRIPTIONS;

const ALWAYS: DocumentedStatus[] = [400, 500, 503];
const WITH_TOKEN: DocumentedStatus[] = [401, 403, 429];
const WITH_BODY: DocumentedStatus[] = [408, 413, 415, 429];
const AT_STRIPE: DocumentedStatus[] = [402, 409];

interface ErrorsOf {
  /** Whether the path names a project. */
  project?: boolean;
  /** Another reason for 404, as the end of a sentence. */
  orMissing?: string;
  /** Whether a body is read, even if the operation defines none. */
  body?: boolean;
  /** Whether the route needs no token and has no rate limit. */
  isPublic?: boolean;
  /** Whether the operation acts at Stripe for an end user. */
  purchase?: boolean;
  /** Descriptions of additional statuses, or overrides. */
  meaning?: Record<number, string>;
}

/** Documents the errors of an operation. */
export function ApiErrors({
  project = false,
  orMissing,
  body = false,
  isPublic = false,
  purchase = false,
  meaning = {},
}: ErrorsOf): MethodDecorator {
  const statuses = [
    ...ALWAYS,
    ...(isPublic ? [] : WITH_TOKEN),
    ...(project ? [404 as const] : []),
    ...(body ? WITH_BODY : []),
    ...(purchase ? AT_STRIPE : []),
  ];
  const descriptions = new Map([
    ...statuses.map((status): [string, string] => [`${status}`, DESCRIPTIONS[status]]),
    ...Object.entries(orMissing ? { 404: `There is no such project, or ${orMissing}.` } : {}),
    ...Object.entries(meaning),
  ]);
  const errors = [...descriptions].map(([status, description]) =>
    ApiResponse({ status: Number(status), description, type: ErrorResponse }),
  );
  // An unknown query parameter makes a request of any operation invalid.
  const invalid = ApiResponse({
    status: HttpStatus.UNPROCESSABLE_ENTITY,
    description: 'The request is not valid.',
    type: HTTPValidationError,
  });
  return applyDecorators(...errors, invalid);
}
