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
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../../auth/route-access.js';
import { personActor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import { Settings } from '../../config/settings.js';
import { ApiErrors } from '../../http/openapi/api-errors.js';
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

const MEANING = { 404: 'There is no identity provider (`AUTH_OIDC_ISSUER`).', 429: 'Too many requests.' };

/** Signs a browser in at the operator's identity provider. Browsers open these URLs, so failures redirect too. */
@ApiTags('Accounts')
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
  @ApiOperation({
    operationId: 'signInWithProvider',
    summary: 'Sign in with the identity provider',
    description: 'A browser that opens this URL comes back to the console, signed in.',
    security: [],
  })
  @ApiResponse({ status: HttpStatus.SEE_OTHER, description: "Leads to the provider's page." })
  @ApiErrors({ isPublic: true, meaning: MEANING })
  async begin(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#redirect(reply, async () => {
      const { url, attempt } = await this.signIn.begin();
      this.cookie.keepAttempt(request, reply, attempt);
      return url.href;
    });
  }

  @Get('callback')
  @AcceptsAnyQuery()
  @ApiOperation({
    operationId: 'finishProviderSignIn',
    summary: 'Come back from the identity provider',
    description: 'The redirect URI for the provider. It sets the cookie of the session.',
    security: [],
  })
  @ApiResponse({
    status: HttpStatus.SEE_OTHER,
    description: 'Leads to the console; `sign_in_error` in the query says why nobody is signed in.',
  })
  @ApiErrors({ isPublic: true, meaning: MEANING })
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
