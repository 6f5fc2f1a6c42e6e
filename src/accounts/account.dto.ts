import { ApiProperty, ApiSchema, getSchemaPath, PickType } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { Secret } from '../common/secret.js';
import { Checked } from '../http/validation/request.pipe.js';
import { ApiNullableString, ApiTime, ApiUuid } from '../http/openapi/api-errors.js';
import type { Account } from './accounts.repository.js';
import { emailProblem, newEmailProblem, normalizeEmail } from '../http/validation/email.js';
import {
  fullNameProblem,
  MAX_NAME_LENGTH,
  MIN_PASSWORD_LENGTH,
  newPasswordProblem,
  passwordProblem,
} from './account-rules.js';
import { ACCESS_SECONDS, type Tokens } from './sessions/sessions.service.js';

export const EMAIL = { type: 'string', format: 'email', example: 'ada@example.com' } as const;
export const PASSWORD = { type: 'string', writeOnly: true, example: 'correct horse battery staple' } as const;

/** Errors of operations without an access token. */
export const NO_ACCOUNTS_HERE = { 404: 'The built-in accounts are off (`AUTH_BUILTIN`).' };

/** Errors of every operation on the caller's account. */
export const ACCOUNT_ERRORS = {
  401: 'There is no valid access token, or its account was revoked.',
  403: 'The token is of another kind.',
  404: 'The token belongs to no built-in account, or these accounts are off (`AUTH_BUILTIN`).',
};

@ApiSchema({ description: 'A new account.' })
export class UserCreateRequest {
  @ApiProperty({ description: 'The e-mail address, in upper or lower case.', ...EMAIL })
  @Checked(newEmailProblem)
  email: string;

  @ApiProperty({
    description: '8 to 1,000 characters of any script.',
    ...PASSWORD,
    minLength: MIN_PASSWORD_LENGTH,
  })
  @Checked(newPasswordProblem)
  password: string;

  @ApiNullableString({
    description: `What to call them, at most ${MAX_NAME_LENGTH} characters.`,
    example: 'Ada Lovelace',
    required: false,
  })
  @IsOptional()
  @Checked(fullNameProblem)
  full_name?: string | null;
}

@ApiSchema({ description: 'Address and password.' })
export class UserLoginRequest {
  @ApiProperty({ description: 'The address of the account.', ...EMAIL })
  @Checked(emailProblem)
  email: string;

  @ApiProperty({ description: 'The password.', ...PASSWORD })
  @Checked(passwordProblem)
  password: string;
}

@ApiSchema({ description: 'The password form of OAuth 2 (RFC 6749, section 4.3.2).' })
export class LoginForm {
  @ApiProperty({
    description: 'Always `password`.',
    type: 'string',
    enum: ['password'],
    required: false,
    example: 'password',
  })
  grant_type: string;

  @ApiProperty({
    description: 'The e-mail address of the account.',
    type: 'string',
    example: 'ada@example.com',
  })
  username: string;

  @ApiProperty({ description: 'The password.', ...PASSWORD })
  password: string;
}

@ApiSchema({ description: 'The session to refresh.' })
export class RefreshRequest {
  @ApiProperty({
    description: 'The latest refresh token. It is valid once.',
    type: 'string',
    writeOnly: true,
    example: `tkrt_6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11_${'a'.repeat(43)}`,
  })
  @Checked(passwordProblem)
  refresh_token: string;
}

const UUID = { format: 'uuid', example: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11', required: false };
const ACCESS_TOKEN = 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln';
const REFRESH_TOKEN = `tkrt_6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11_${'a'.repeat(43)}`;

@ApiSchema({ description: 'An account.' })
export class UserResponse {
  @ApiUuid("The account's id: the `sub` of its access tokens, and so the owner of its projects.")
  id: string;

  @ApiProperty({
    description: 'The e-mail address, in lower case.',
    type: String,
    example: 'ada@example.com',
  })
  email: string;

  @ApiNullableString({ description: 'What to call them.', example: 'Ada Lovelace', required: false })
  full_name: string | null;

  @ApiProperty({ description: 'Always `developer`.', type: String, example: 'developer' })
  role: string;

  @ApiProperty({
    description: 'Always `true`: a revoked account is not shown.',
    type: Boolean,
    example: true,
  })
  is_active: boolean;

  @ApiTime('Time of creation.')
  created_at: string;

  @ApiNullableString({ description: 'Always `null`: a developer is not a user of a project.', ...UUID })
  project_id: string | null;
}

@ApiSchema({
  description: 'Always `null` in this service. Other implementations of the contract also create a project.',
})
export class ProvisioningData {
  @ApiNullableString({ description: 'A first project.', ...UUID })
  project_id: string | null;

  @ApiNullableString({ description: 'A key of that project.', example: 'none', required: false })
  api_key: string | null;

  @ApiNullableString({ description: 'A key of the developer.', example: 'none', required: false })
  developer_key: string | null;
}

@ApiSchema({ description: 'The new account, logged in.' })
export class RegistrationResponse extends UserResponse {
  @ApiProperty({
    description: 'Always `null`. Create a project with `POST /api/v1/projects/`.',
    anyOf: [{ $ref: getSchemaPath(ProvisioningData) }, { type: 'null' }],
    required: false,
    example: null,
  })
  provisioning: ProvisioningData | null;

  @ApiNullableString({ description: 'Valid for 30 minutes.', example: ACCESS_TOKEN, required: false })
  access_token: string | null;

  @ApiNullableString({ description: 'Valid once, for 7 days.', example: REFRESH_TOKEN, required: false })
  refresh_token: string | null;

  @ApiProperty({
    description: 'Always `bearer`.',
    anyOf: [{ type: 'string' }, { type: 'null' }],
    default: 'bearer',
    required: false,
    example: 'bearer',
  })
  token_type: string | null;

  @ApiProperty({
    description: 'Seconds until the access token expires.',
    type: 'integer',
    example: ACCESS_SECONDS,
  })
  expires_in: number;
}

@ApiSchema({ description: 'The tokens of a session.' })
export class TokenResponse {
  @ApiProperty({
    description: 'Send it as `Authorization: Bearer <token>`. It is valid for 30 minutes.',
    type: String,
    example: ACCESS_TOKEN,
  })
  access_token: string;

  @ApiNullableString({
    description: 'For `POST /api/v1/auth/refresh`. It is valid once, for 7 days.',
    example: REFRESH_TOKEN,
    required: false,
  })
  refresh_token: string | null;

  @ApiProperty({ description: 'Always `bearer`.', type: String, example: 'bearer' })
  token_type: string;

  @ApiProperty({
    description: 'Seconds until the access token expires.',
    type: 'integer',
    example: ACCESS_SECONDS,
  })
  expires_in: number;
}

@ApiSchema({ description: "The access token of a browser's session." })
export class AccessTokenResponse extends PickType(TokenResponse, [
  'access_token',
  'token_type',
  'expires_in',
] as const) {}

/** The DTO has rejected invalid addresses. */
export function loginOf(email: string, password: string) {
  return { email: normalizeEmail(email) ?? '', password: new Secret(password) };
}

export function toUserResponse({ id, email, fullName, createdAt }: Account): UserResponse {
  return {
    id,
    email,
    full_name: fullName,
    role: 'developer',
    is_active: true,
    created_at: createdAt,
    project_id: null,
  };
}

export function toAccessTokenResponse({ accessToken }: Pick<Tokens, 'accessToken'>): AccessTokenResponse {
  return { access_token: accessToken, token_type: 'bearer', expires_in: ACCESS_SECONDS };
}

export function toTokenResponse(tokens: Tokens): TokenResponse {
  return { ...toAccessTokenResponse(tokens), refresh_token: tokens.refreshToken };
}

export function toRegistrationResponse(account: Account, tokens: Tokens): RegistrationResponse {
  return { ...toUserResponse(account), provisioning: null, ...toTokenResponse(tokens) };
}
