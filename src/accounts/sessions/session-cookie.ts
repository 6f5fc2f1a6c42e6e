import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../../common/errors.js';
import { Settings } from '../../config/settings.js';
import type { Attempt } from '../oidc/identity-provider.js';
import { REFRESH_MS } from './sessions.service.js';

const SESSION = 'tillkeeper_session';
const ATTEMPT = 'tillkeeper_sign_in';
/** Browsers accept this prefix only with `Secure` and `Path=/`, and without `Domain`: no other host can set it. */
const PREFIX = '__Host-';
const ATTEMPT_SECONDS = 600;

/** The cookie that keeps a browser signed in. Its value is the refresh token, which scripts can't read. */
@Injectable()
export class SessionCookie {
  constructor(private readonly settings: Settings) {}

  read(request: FastifyRequest): string | undefined {
    return this.#find(request, SESSION);
  }

  set(request: FastifyRequest, reply: FastifyReply, refreshToken: string): void {
    this.#write(request, reply, SESSION, { value: refreshToken, seconds: REFRESH_MS / 1_000 });
  }

  clear(request: FastifyRequest, reply: FastifyReply): void {
    this.#write(request, reply, SESSION);
  }

  /** Keeps a sign-in at the identity provider, from which the browser comes back: the cookie must be `Lax`. */
  keepAttempt(request: FastifyRequest, reply: FastifyReply, attempt: Attempt): void {
    const { state, nonce, verifier } = attempt;
    const value = [state, nonce, verifier].join('.');
    this.#write(request, reply, ATTEMPT, { value, seconds: ATTEMPT_SECONDS, sameSite: 'Lax' });
  }

  /** @returns the sign-in that this browser began, once */
  takeAttempt(request: FastifyRequest, reply: FastifyReply): Attempt | undefined {
    const [state, nonce, verifier, ...more] = this.#find(request, ATTEMPT)?.split('.') ?? [];
    this.#write(request, reply, ATTEMPT, { sameSite: 'Lax' });
    return state && nonce && verifier && more.length === 0 ? { state, nonce, verifier } : undefined;
  }

  /** Whether a page of this service sends the request. Other clients than browsers send no `Origin`. */
  isFromOwnPage(request: FastifyRequest): boolean {
    const { origin } = request.headers;
    if (origin === undefined) return this.read(request) === undefined;
    const own = [this.settings.publicBaseUrl, `${request.protocol}://${request.host}`];
    return own.some((url) => URL.canParse(url) && new URL(url).origin === origin);
  }

  #find(request: FastifyRequest, name: string): string | undefined {
    const start = `${this.#isSecure(request) ? PREFIX : ''}${name}=`;
    const pair = request.headers.cookie?.split(/; */).find((each) => each.startsWith(start));
    return pair?.slice(start.length);
  }

  /** Without a value, clears the cookie. */
  #write(
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    { value = '', seconds = 0, sameSite = 'Strict' } = {},
  ): void {
    const [prefix, secure] = this.#isSecure(request) ? [PREFIX, '; Secure'] : ['', ''];
    const attributes = `Path=/; Max-Age=${seconds}; HttpOnly; SameSite=${sameSite}${secure}`;
    reply.header('set-cookie', `${prefix}${name}=${value}; ${attributes}`);
  }

  /** Also true behind a proxy that ends TLS without `TRUST_PROXY`, because browsers reach the public URL. */
  #isSecure({ protocol }: FastifyRequest): boolean {
    return protocol === 'https' || this.settings.publicBaseUrl.startsWith('https:');
  }
}

/** Refuses requests of foreign pages, for which a browser might send the cookie. */
@Injectable()
export class OwnPageGuard implements CanActivate {
  constructor(private readonly cookie: SessionCookie) {}

  canActivate(context: ExecutionContext): true {
    if (this.cookie.isFromOwnPage(context.switchToHttp().getRequest<FastifyRequest>())) return true;
    throw new DomainError(
      'foreign_origin',
      'Sessions of a browser are for pages of this service: Origin must be the origin of this service.',
    );
  }
}
