import {
  type CanActivate,
  Controller,
  Get,
  HttpStatus,
  Injectable,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../../auth/route-access.js';
import { personActor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import { Settings } from '../../config/settings.js';
import { AcceptsAnyQuery } from '../../http/validation/unknown-query.js';
import { SessionCookie } from '../sessions/session-cookie.js';
import { IdentityProvider } from './identity-provider.js';
import { OidcSignInService, type SignInFailure, SignInRefused } from './oidc-sign-in.service.js';

/** A path within the console. */
const CONSOLE_PATH = /^\/(?!\/)[\x21-\x7e]{0,1000}$/;

/** Hides the routes without an identity provider. */
@Injectable()
export class OidcGuard implements CanActivate {
  constructor(private readonly provider: IdentityProvider) {}

  canActivate(): true {
    if (this.provider.isOn) return true;
    throw new DomainError('route_not_found', 'There is nothing at this URL.');
  }
}

/** Signs a browser in at the operator's identity provider. Browsers open these URLs, so failures redirect too. */
@ApiExcludeController()
@Public()
@UseGuards(OidcGuard)
@Controller('session/oidc')
export class OidcController {
  constructor(
    private readonly signIn: OidcSignInService,
    private readonly cookie: SessionCookie,
    private readonly settings: Settings,
  ) {}

  /** `next` is a path in the console, for after signing in. */
  @Get()
  @AcceptsAnyQuery()
  async begin(
    @Req() request: FastifyRequest<{ Querystring: { next?: unknown } }>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { next } = request.query;
    const path = typeof next === 'string' && CONSOLE_PATH.test(next) ? next : '';
    await this.#redirect(reply, path, async () => {
      const { url, attempt } = await this.signIn.begin();
      this.cookie.keepAttempt(request, reply, attempt, path);
      return url.href;
    });
  }

  /** The redirect URI. `sign_in_error` in the console's URL says why nobody is signed in. */
  @Get('callback')
  @AcceptsAnyQuery()
  async finish(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const kept = this.cookie.takeAttempt(request, reply);
    const next = kept?.next ?? '';
    await this.#redirect(reply, next, async () => {
      if (!kept) throw new SignInRefused('failed');
      const { search } = new URL(request.url, 'http://localhost');
      const tokens = await this.signIn.finish(search, kept.attempt, (id) => personActor(id, request));
      await this.cookie.begin(request, reply, tokens, kept.former);
      return this.#console + next;
    });
  }

  get #console(): string {
    return `${this.settings.publicBaseUrl}/console`;
  }

  /** Leads somebody who is not signed in back to the console, which has a sentence for each reason. */
  async #redirect(reply: FastifyReply, next: string, urlOf: () => Promise<string>): Promise<void> {
    const url = await urlOf().catch((error: unknown) => {
      const query = new URLSearchParams({ sign_in_error: failureOf(error), ...(next && { next }) });
      return `${this.#console}/sign-in?${query.toString()}`;
    });
    void reply.redirect(url, HttpStatus.SEE_OTHER);
  }
}

/** @throws an error that nobody expects */
function failureOf(error: unknown): SignInFailure {
  if (error instanceof SignInRefused) return error.failure;
  if (!(error instanceof DomainError)) throw error;
  return error.code === 'unauthenticated' ? 'failed' : 'unavailable';
}
