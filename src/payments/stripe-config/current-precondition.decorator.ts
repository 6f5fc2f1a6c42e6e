import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type EntityTags, readEntityTags } from '../../http/entity-tags.js';
import type { Precondition } from './precondition.js';

/** What the request asks for with `If-Match` and `If-None-Match`. @throws DomainError `malformed_request` */
export const CurrentPrecondition = createParamDecorator((_: unknown, context: ExecutionContext): Precondition => {
  const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
  return {
    ifMatch: versionsIn(readEntityTags('If-Match', headers['if-match']), false),
    ifNoneMatch: versionsIn(readEntityTags('If-None-Match', headers['if-none-match']), true),
  };
});

/** Versions of the tags that are ours; a tag of somebody else equals none. @param weak whether weak tags count (RFC 9110, section 8.8.3.2) */
function versionsIn(tags: EntityTags | undefined, weak: boolean): Precondition['ifMatch'] {
  if (tags === undefined || tags === '*') return tags;
  return tags.filter(({ opaque, isWeak }) => (weak || !isWeak) && /^(?:0|[1-9]\d{0,9})$/.test(opaque)).map(({ opaque }) => Number(opaque));
}
