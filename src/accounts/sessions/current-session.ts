import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { parseUuid } from '../../common/ids.js';

/** Injects the id of the access token's session. Tokens of another signer with the same secret have none. */
export const CurrentSession = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { identity } = context.switchToHttp().getRequest<FastifyRequest>();
  const isDeveloper = 'kind' in identity && identity.kind === 'developer';
  return isDeveloper ? parseUuid<string>(identity.sessionId ?? '') : undefined;
});
