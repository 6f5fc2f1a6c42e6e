import { Controller, Delete, Get, HttpCode, HttpStatus, Param, Post, Query } from '@nestjs/common';
import {
  ApiNoContentResponse,
  ApiOAuth2,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentDeveloper } from '../../auth/caller.js';
import { ForDevelopers } from '../../auth/route-access.js';
import type { OwnerId } from '../../common/ids.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
import { UuidPipe } from '../../http/validation/fields.js';
import { offsetOf, PageQuery } from '../../http/validation/page.query.js';
import { ACCOUNT_ERRORS } from '../account.dto.js';
import { AccountsService } from '../accounts.service.js';
import { CurrentSession, SessionListResponse, SessionResponse, toSessionResponse } from './session.dto.js';
import { sessionNotFound, SessionsService } from './sessions.service.js';

const SESSION_ID = ApiParam({
  name: 'session_id',
  description: "The session's id.",
  schema: { type: 'string', format: 'uuid' },
});
const NO_SESSION = {
  ...ACCOUNT_ERRORS,
  404: 'The account has no such session, or the built-in accounts are off.',
};

/** Serves the sessions of the calling account. */
@ApiTags('Accounts')
@ApiOAuth2([], 'OAuth2PasswordBearer')
@ForDevelopers()
@Controller('auth')
export class SessionsController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly sessions: SessionsService,
  ) {}

  @Post('logout')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'logOut',
    summary: 'Log out',
    description:
      'Ends the session of the access token: its refresh token, and within two seconds all its access tokens.',
  })
  @ApiNoContentResponse({ description: 'The session has ended.' })
  @ApiErrors({ meaning: NO_SESSION })
  async logOut(
    @CurrentDeveloper() developer: OwnerId,
    @CurrentSession() current: string | undefined,
  ): Promise<void> {
    const { id } = await this.accounts.get(developer);
    if (current === undefined) throw sessionNotFound();
    await this.sessions.end(id, current);
  }

  @Get('sessions')
  @ApiOperation({
    operationId: 'listSessions',
    summary: 'List your sessions',
    description: 'The active sessions of your account, newest first.',
  })
  @ApiOkResponse({ description: 'One page of the sessions.', type: SessionListResponse })
  @ApiErrors({ meaning: ACCOUNT_ERRORS })
  async list(
    @CurrentDeveloper() developer: OwnerId,
    @CurrentSession() current: string | undefined,
    @Query() query: PageQuery,
  ): Promise<SessionListResponse> {
    const { id } = await this.accounts.get(developer);
    const { page, page_size } = query;
    const [sessions, total] = await this.sessions.list(id, { offset: offsetOf(query), limit: page_size });
    return { sessions: sessions.map((each) => toSessionResponse(each, current)), total, page, page_size };
  }

  @Get('sessions/:session_id')
  @SESSION_ID
  @ApiOperation({
    operationId: 'getSession',
    summary: 'Get a session',
    description: 'One session of your account.',
  })
  @ApiOkResponse({ description: 'The session.', type: SessionResponse })
  @ApiErrors({ meaning: NO_SESSION })
  async get(
    @CurrentDeveloper() developer: OwnerId,
    @CurrentSession() current: string | undefined,
    @Param('session_id', UuidPipe) sessionId: string,
  ): Promise<SessionResponse> {
    const account = await this.accounts.get(developer);
    return toSessionResponse(await this.sessions.get(account.id, sessionId), current);
  }

  @Delete('sessions/:session_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @SESSION_ID
  @ApiOperation({
    operationId: 'endSession',
    summary: 'End a session',
    description: 'Logs out one session, here or elsewhere. Its access tokens end within two seconds.',
  })
  @ApiNoContentResponse({ description: 'The session has ended.' })
  @ApiErrors({ meaning: NO_SESSION })
  async end(
    @CurrentDeveloper() developer: OwnerId,
    @Param('session_id', UuidPipe) sessionId: string,
  ): Promise<void> {
    const account = await this.accounts.get(developer);
    await this.sessions.end(account.id, sessionId);
  }

  @Delete('sessions')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'endAllSessions',
    summary: 'End all your sessions',
    description: 'Logs out all sessions, including this one.',
  })
  @ApiNoContentResponse({ description: 'All sessions have ended.' })
  @ApiErrors({ meaning: ACCOUNT_ERRORS })
  async endAll(@CurrentDeveloper() developer: OwnerId): Promise<void> {
    const { id } = await this.accounts.get(developer);
    await this.sessions.endAll(id);
  }
}
