import { Controller, Get, HttpStatus, Injectable, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OpaqueKeys } from '../../auth/opaque-keys/opaque-keys.js';
import { Public } from '../../auth/route-access.js';
import { type Actor, personActor } from '../../common/actor.js';
import type { OwnerId } from '../../common/ids.js';
import { Database } from '../../database/database.js';
import { AccountsRepository } from '../accounts.repository.js';
import { SessionCookie } from './session-cookie.js';
import { SessionsService, type Tokens } from './sessions.service.js';

const KIND = 'sign_in';
const VALID_MS = 3_600_000;
/** Relative, because the server may be reached under another address than the public one. */
const CONSOLE = '../../../../console';

/** Links that sign a browser in without a password, once, within an hour. */
@Injectable()
export class SignInLinks {
  constructor(
    private readonly database: Database,
    private readonly keys: OpaqueKeys,
    private readonly accounts: AccountsRepository,
    private readonly sessions: SessionsService,
  ) {}

  /** @returns the path of a link */
  async issue(accountId: OwnerId): Promise<string> {
    const expiresAt = new Date(Date.now() + VALID_MS);
    const token = await this.database.transaction(() => this.keys.issue(KIND, accountId, { expiresAt }));
    return `/api/v1/session/link/${token}`;
  }

  /** @returns `undefined` if the link is not valid. @throws DomainError `unauthenticated` */
  async redeem(token: string, actorOf: (id: OwnerId) => Actor): Promise<Tokens | undefined> {
    const holder = await this.database.transaction(() => this.keys.redeem(KIND, token));
    const account = holder === undefined ? undefined : await this.accounts.find(holder as OwnerId);
    return account && !account.isRevoked ? this.sessions.begin(account, actorOf(account.id)) : undefined;
  }
}

/** Browsers open these URLs, so an invalid link leads to the console too. */
@ApiExcludeController()
@Public()
@Controller('session/link')
export class SignInLinkController {
  constructor(
    private readonly links: SignInLinks,
    private readonly cookie: SessionCookie,
  ) {}

  @Get(':token')
  async open(
    @Param('token') token: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    // A preview of the link asks with HEAD.
    if (request.method === 'HEAD') return void reply.redirect(CONSOLE, HttpStatus.SEE_OTHER);
    const tokens = await this.links.redeem(token, (id) => personActor(id, request));
    if (tokens) await this.cookie.begin(request, reply, tokens);
    void reply.redirect(tokens ? CONSOLE : `${CONSOLE}/sign-in?sign_in_error=link`, HttpStatus.SEE_OTHER);
  }
}
