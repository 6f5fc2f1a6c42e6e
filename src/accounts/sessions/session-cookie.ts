import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../../common/errors.js';
import { Settings } from '../../config/settings.js';
import { REFRESH_MS } from './sessions.service.js';

const NAME = 'tillkeeper_session';
/** Browsers accept this prefix only with `Secure` and `Path=/`, and without `Domain`: no other host can set it. */
const SECURE_NAME = `__Host-${NAME}`;

/** The cookie that keeps a browser signed in. Its value is the refresh token, which scripts can't read. */
@Injectable()
export class SessionCookie {
  constructor(private readonly settings: Settings) {}

  read(request: FastifyRequest): string | undefined {
    const start = `${this.#nameFor(request)}=`;
    const pair = request.headers.cookie?.split(/; */).find((each) => each.startsWith(start));
    return pair?.slice(start.length);
  }

  set(request: FastifyRequest, reply: FastifyReply, refreshToken: string): void {
    this.#write(request, reply, refreshToken, REFRESH_MS / 1_000);
  }

  clear(request: FastifyRequest, reply: FastifyReply): void {
    this.#write(request, reply, '', 0);
  }

  /** Whether a page of this service sends the request. Other clients than browsers send no `Origin`. */
  isFromOwnPage(request: FastifyRequest): boolean {
    const { origin } = request.headers;
    if (origin === undefined) return this.read(request) === undefined;
    const own = [this.settings.publicBaseUrl, `${request.protocol}://${request.host}`];
    return own.some((url) => URL.canParse(url) && new URL(url).origin === origin);
  }

  #write(request: FastifyRequest, reply: FastifyReply, value: string, maxAgeSeconds: number): void {
    const attributes = `Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict`;
    const secure = this.#isSecure(request) ? '; Secure' : '';
    reply.header('set-cookie', `${this.#nameFor(request)}=${value}; ${attributes}${secure}`);
  }

  #nameFor(request: FastifyRequest): string {
    return this.#isSecure(request) ? SECURE_NAME : NAME;
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
