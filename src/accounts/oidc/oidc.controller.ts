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
import { OidcSignInService, SignInRefused } from './oidc-sign-in.service.js';

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

  @Get()
  async begin(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#redirect(reply, async () => {
      const { url, attempt } = await this.signIn.begin();
      this.cookie.keepAttempt(request, reply, attempt);
      return url.href;
    });
  }

  /** The redirect URI. `sign_in_error` in the console's URL says why nobody is signed in. */
  @Get('callback')
  @AcceptsAnyQuery()
  async finish(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#redirect(reply, async () => {
      const attempt = this.cookie.takeAttempt(request, reply);
      if (!attempt) throw new SignInRefused('failed');
      const { search } = new URL(request.url, 'http://localhost');
      const tokens = await this.signIn.finish(search, attempt, (id) => personActor(id, request));
      this.cookie.set(request, reply, tokens.refreshToken);
      return this.#console;
    });
  }

  get #console(): string {
    return `${this.settings.publicBaseUrl}/console`;
  }

  async #redirect(reply: FastifyReply, urlOf: () => Promise<string>): Promise<void> {
    const url = await urlOf().catch((error: unknown) => {
      if (!(error instanceof SignInRefused)) throw error;
      return `${this.#console}?sign_in_error=${error.failure}`;
    });
    void reply.redirect(url, HttpStatus.SEE_OTHER);
  }
}
