import {
  Body,
  type CanActivate,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Injectable,
  Post,
  Req,
  UseGuards,
} from '@nestjs/common';
import {
  ApiConsumes,
  ApiCreatedResponse,
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOAuth2,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CurrentActor, CurrentDeveloper } from '../auth/caller.js';
import { ForDevelopers, Public } from '../auth/route-access.js';
import { type Actor, personActor } from '../common/actor.js';
import { DomainError } from '../common/errors.js';
import type { OwnerId } from '../common/ids.js';
import { Settings } from '../config/settings.js';
import { ApiErrors } from '../http/openapi/api-errors.js';
import {
  ACCOUNT_ERRORS,
  LoginForm,
  loginOf,
  NO_ACCOUNTS_HERE,
  ProvisioningData,
  RefreshRequest,
  RegistrationResponse,
  TokenResponse,
  toRegistrationResponse,
  toTokenResponse,
  toUserResponse,
  UserCreateRequest,
  UserLoginRequest,
  UserResponse,
} from './account.dto.js';
import { AccountsService } from './accounts.service.js';
import { SessionsService } from './sessions/sessions.service.js';

/** Precedes validation, so that a closed registration reveals nothing about an address. */
@Injectable()
export class RegistrationGuard implements CanActivate {
  constructor(private readonly settings: Settings) {}

  canActivate(): true {
    if (this.settings.authRegistration === 'open') return true;
    throw new DomainError(
      'registration_closed',
      'Registration is closed here: ask the operator of this service for an account.',
    );
  }
}

/** Serves the built-in authorization server. Its routes answer 404 if it is off. */
@ApiTags('Accounts')
@ApiExtraModels(ProvisioningData, LoginForm)
@Controller('auth')
export class AccountsController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly sessions: SessionsService,
  ) {}

  @Post('register')
  @Public()
  @UseGuards(RegistrationGuard)
  @ApiOperation({
    operationId: 'register',
    summary: 'Create an account',
    description:
      'Creates the account of a developer, and logs it in. The operator can close the registration (`AUTH_REGISTRATION`).',
    security: [],
  })
  @ApiCreatedResponse({ description: 'The account was created.', type: RegistrationResponse })
  @ApiErrors({
    body: true,
    meaning: {
      ...NO_ACCOUNTS_HERE,
      403: 'Registration is closed.',
      409: 'An account has this address.',
    },
  })
  async register(
    @Body() { email, password, full_name: fullName }: UserCreateRequest,
    @Req() request: FastifyRequest,
  ): Promise<RegistrationResponse> {
    const account = await this.accounts.register(loginOf(email, password), fullName ?? null, request.ip);
    const tokens = await this.sessions.begin(account, personActor(account.id, request));
    return toRegistrationResponse(account, tokens);
  }

  @Post('login')
  @Public()
  @HttpCode(HttpStatus.OK)
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded')
  @ApiOperation({
    operationId: 'logIn',
    summary: 'Log in',
    description:
      'Starts a session. The form is for OAuth 2 clients, such as the Authorize button of `/docs`.',
    security: [],
  })
  @ApiOkResponse({ description: 'Tokens of the new session.', type: TokenResponse })
  @ApiErrors({ body: true, meaning: { ...NO_ACCOUNTS_HERE, 401: 'The address or the password is wrong.' } })
  async logIn(
    @Body() { email, password }: UserLoginRequest,
    @Req() request: FastifyRequest,
  ): Promise<TokenResponse> {
    const account = await this.accounts.logIn(loginOf(email, password), request.ip);
    return toTokenResponse(await this.sessions.begin(account, personActor(account.id, request)));
  }

  @Post('refresh')
  @Public()
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'refresh',
    summary: 'Refresh a session',
    description:
      'Exchanges the refresh token for new tokens. A refresh token that was used before ends the session.',
    security: [],
  })
  @ApiOkResponse({ description: 'The next tokens of the session.', type: TokenResponse })
  @ApiErrors({
    body: true,
    meaning: { ...NO_ACCOUNTS_HERE, 401: 'The refresh token is not valid, or expired.' },
  })
  async refresh(@Body() { refresh_token: token }: RefreshRequest): Promise<TokenResponse> {
    return toTokenResponse(await this.sessions.continue(token));
  }

  @Get('me')
  @ForDevelopers()
  @ApiOAuth2([], 'OAuth2PasswordBearer')
  @ApiOperation({
    operationId: 'getMe',
    summary: 'Get your account',
    description: 'The account of the access token.',
  })
  @ApiOkResponse({ description: 'The account.', type: UserResponse })
  @ApiErrors({ meaning: ACCOUNT_ERRORS })
  async me(@CurrentDeveloper() developer: OwnerId): Promise<UserResponse> {
    return toUserResponse(await this.accounts.get(developer));
  }

  @Delete('me')
  @ForDevelopers()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOAuth2([], 'OAuth2PasswordBearer')
  @ApiOperation({
    operationId: 'deleteMe',
    summary: 'Delete your account',
    description:
      'Erases address and name, and ends all sessions. The history of projects keeps the id. Transfer or delete your projects first.',
  })
  @ApiNoContentResponse({ description: 'The account is deleted.' })
  @ApiErrors({ meaning: { ...ACCOUNT_ERRORS, 409: 'The account owns projects.' } })
  async delete(@CurrentDeveloper() developer: OwnerId, @CurrentActor() actor: Actor): Promise<void> {
    await this.accounts.delete(await this.accounts.get(developer), actor);
  }
}
