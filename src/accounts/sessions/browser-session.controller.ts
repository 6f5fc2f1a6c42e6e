import { Body, Controller, Delete, HttpCode, HttpStatus, Post, Req, Res, UseGuards } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../../auth/route-access.js';
import { personActor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import {
  AccessTokenResponse,
  loginOf,
  NO_ACCOUNTS_HERE,
  toAccessTokenResponse,
  UserLoginRequest,
} from '../account.dto.js';
import { AccountsService } from '../accounts.service.js';
import { OwnPageGuard, SessionCookie } from './session-cookie.js';
import { SessionsService } from './sessions.service.js';

const SET_COOKIE = {
  'Set-Cookie': {
    description:
      'Keeps the browser signed in for 7 days: `HttpOnly`, `SameSite=Strict`, and `Secure` over HTTPS.',
    schema: { type: 'string' as const },
  },
};
const MEANING = {
  ...NO_ACCOUNTS_HERE,
  403: 'The request comes from a page of another origin, or from no page: it has no `Origin`.',
};

/** Serves the session of a browser: the refresh token stays in a cookie, which no script can read. */
@ApiTags('Accounts')
@Public()
@UseGuards(OwnPageGuard)
@Controller('session')
export class BrowserSessionController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly sessions: SessionsService,
    private readonly cookie: SessionCookie,
  ) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'signIn',
    summary: 'Sign in with a browser',
    description:
      'Starts a session, in place of the one that the browser had. A cookie has its refresh token, and the answer its access token.',
    security: [],
  })
  @ApiOkResponse({
    description: 'The access token of the new session.',
    type: AccessTokenResponse,
    headers: SET_COOKIE,
  })
  @ApiErrors({ body: true, meaning: { ...MEANING, 401: 'The address or the password is wrong.' } })
  async signIn(
    @Body() { email, password }: UserLoginRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AccessTokenResponse> {
    const account = await this.accounts.logIn(loginOf(email, password), request.ip);
    const tokens = await this.sessions.begin(account, personActor(account.id, request));
    await this.cookie.begin(request, reply, tokens);
    return toAccessTokenResponse(tokens);
  }

  @Post('refresh')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'refreshSession',
    summary: "Refresh the browser's session",
    description:
      'Exchanges the cookie for the next one, and for an access token. Refresh in one tab at a time: the former cookie works once more, for 30 seconds.',
    security: [],
  })
  @ApiOkResponse({
    description: 'The next access token of the session.',
    type: AccessTokenResponse,
    headers: SET_COOKIE,
  })
  @ApiErrors({ meaning: { ...MEANING, 401: 'There is no cookie, or its session has ended.' } })
  async refresh(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AccessTokenResponse> {
    try {
      const tokens = await this.sessions.continueInBrowser(this.cookie.read(request) ?? '');
      this.cookie.set(request, reply, tokens.refreshToken);
      return toAccessTokenResponse(tokens);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'unauthenticated') this.cookie.clear(request, reply);
      throw error;
    }
  }

  @Delete()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'signOut',
    summary: 'Sign out with a browser',
    description: 'Ends the session of the cookie with its access tokens, and clears the cookie.',
    security: [],
  })
  @ApiNoContentResponse({ description: 'The browser has no session any more.' })
  @ApiErrors({ isPublic: true, meaning: { ...MEANING, 429: 'Too many requests.' } })
  async signOut(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.sessions.endWith(this.cookie.read(request) ?? '');
    this.cookie.clear(request, reply);
  }
}
