import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { bearerToken } from '../../auth/tokens/jwt.strategy.js';
import { type Actor, personActor } from '../../common/actor.js';
import { DomainError } from '../../common/errors.js';
import { ConnectLinksRepository, type FoundLink, isOpen, linkEnded } from './connect-links.repository.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The open link whose token was sent. Set by `ConnectLinkGuard`. */
    connectLink?: FoundLink;
  }
}

/** Attaches the link whose token is in the Authorization header. Refuses with 401, 404 or 410. */
@Injectable()
export class ConnectLinkGuard implements CanActivate {
  constructor(private readonly links: ConnectLinksRepository) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const token = bearerToken(request);
    if (token === null)
      throw new DomainError(
        'unauthenticated',
        "Send the link's token in the Authorization header: Bearer, a space, the token.",
        { challenge: 'Bearer' },
      );
    const link = await this.links.find(token);
    if (!link)
      throw new DomainError(
        'connect_link_not_found',
        'There is no such link: copy all of it, or ask for another one where you got it.',
      );
    if (!isOpen(link)) throw linkEnded();
    request.connectLink = link;
    return true;
  }
}

/** The link, on a route with `ConnectLinkGuard`. */
export const CurrentConnectLink = createParamDecorator((_: unknown, context: ExecutionContext): FoundLink =>
  linkOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** The tenant as the history's actor: nobody knows more than which link was opened, and from where. */
export const CurrentTenant = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return { ...personActor(`connect link ${linkOf(request).id}`, request), kind: 'system' };
});

function linkOf({ connectLink }: FastifyRequest): FoundLink {
  if (!connectLink) throw new Error('This route has no ConnectLinkGuard.');
  return connectLink;
}
