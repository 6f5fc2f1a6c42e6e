import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../../common/errors.js';
import { Settings } from '../../config/settings.js';
import type { Attempt } from '../oidc/identity-provider.js';
import { REFRESH_MS, SessionsService, type Tokens } from './sessions.service.js';

const SESSION = 'tillkeeper_session';
const ATTEMPT = 'tillkeeper_sign_in';
/** Browsers accept this prefix only with `Secure` and `Path=/`, and without `Domain`: no other host can set it. */
const PREFIX = '__Host-';
const ATTEMPT_SECONDS = 600;

interface KeptAttempt {
  readonly attempt: Attempt;
  /** Where the person wants to go in the console. */
  readonly next: string;
  /** Refresh token of the session that the browser had, or empty. */
  readonly former: string;
}

/** The cookie that keeps a browser signed in. Its value is the refresh token, which scripts can't read. */
@Injectable()
export class SessionCookie {
  constructor(
    private readonly settings: Settings,
    private readonly sessions: SessionsService,
  ) {}

  /** Signs the browser in, and ends the session that it had: nobody could sign out of that one any more. */
  async begin(
    request: FastifyRequest,
    reply: FastifyReply,
    { refreshToken }: Tokens,
    former = this.read(request),
  ): Promise<void> {
    if (former !== undefined) await this.sessions.endWith(former);
    this.set(request, reply, refreshToken);
  }

  read(request: FastifyRequest): string | undefined {
    return this.#find(request, SESSION);
  }

  set(request: FastifyRequest, reply: FastifyReply, refreshToken: string): void {
    this.#write(request, reply, SESSION, { value: refreshToken, seconds: REFRESH_MS / 1_000 });
  }

  clear(request: FastifyRequest, reply: FastifyReply): void {
    this.#write(request, reply, SESSION);
  }

  /**
   * Keeps a sign-in at the identity provider, from which the browser comes back: the cookie must be `Lax`. The
   * session that the browser has is kept too, because its own cookie does not come back.
   */
  keepAttempt(
    request: FastifyRequest,
    reply: FastifyReply,
    { state, nonce, verifier }: Attempt,
    next: string,
  ): void {
    const parts = [state, nonce, verifier, Buffer.from(next).toString('base64url'), this.read(request) ?? ''];
    this.#write(request, reply, ATTEMPT, {
      value: parts.join('.'),
      seconds: ATTEMPT_SECONDS,
      sameSite: 'Lax',
    });
  }

  /** @returns the sign-in that this browser began, once */
  takeAttempt(request: FastifyRequest, reply: FastifyReply): KeptAttempt | undefined {
    const [state, nonce, verifier, next = '', former = ''] = this.#find(request, ATTEMPT)?.split('.') ?? [];
    this.#write(request, reply, ATTEMPT, { sameSite: 'Lax' });
    if (!state || !nonce || !verifier) return undefined;
    return { attempt: { state, nonce, verifier }, next: Buffer.from(next, 'base64url').toString(), former };
  }

  /**
   * Whether a page of this service sends the request. A browser sends `Origin` with every POST and DELETE, and a
   * privacy tool that removes it leaves `Sec-Fetch-Site`. Pages can set neither.
   */
  isFromOwnPage(request: FastifyRequest): boolean {
    const { origin } = request.headers;
    if (origin === undefined) return request.headers['sec-fetch-site'] === 'same-origin';
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
      'Sessions of a browser are for pages of this service: Origin must be the origin of this service. Other clients use /auth/login.',
    );
  }
}
