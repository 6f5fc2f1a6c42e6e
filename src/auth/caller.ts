import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { v5 as uuidV5 } from 'uuid';
import { type Actor, personActor } from '../common/actor.js';
import type { DomainError } from '../common/errors.js';
import { type EndUserId, type OwnerId, parseUuid, type ProjectId } from '../common/ids.js';

/** Who an end user is to the project that the access token names. */
export interface EndUser {
  readonly projectId: ProjectId;
  readonly userId: EndUserId;
  /** The token's `sub` as it stands. */
  readonly subject: string;
}

/**
 * The id of an end user: the subject itself where that is a UUID, else the UUIDv5 (RFC 9562, section 5.5) of
 * its UTF-8 bytes in the project's namespace. So the same person has the same id for ever, and another one in
 * each project.
 */
export function endUserId(projectId: ProjectId, subject: string): EndUserId {
  return parseUuid<EndUserId>(subject) ?? (uuidV5(subject, namespaceOf(projectId)) as EndUserId);
}

/** As bytes: the library takes only UUIDs of known versions as text. */
function namespaceOf(projectId: ProjectId): Uint8Array {
  return Buffer.from(projectId.replaceAll('-', ''), 'hex');
}

/** Who sent a request, as its verified access token says. */
export type Caller =
  /** `sessionId` is in the tokens that this service issues to developers. */
  | { kind: 'developer'; sub: OwnerId; sessionId?: string }
  /** `projectId` is absent when the token's `project_id` is no project's id: such a token opens nothing. */
  | { kind: 'end_user'; sub: string; projectId?: ProjectId }
  /** Would be a developer, but the token lacks the scope that this service asks of developers. */
  | { kind: 'unscoped'; sub: string; missingScope: string };

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling, or why nobody knows. Set by IdentifyCallerGuard before any other guard runs. */
    identity: Caller | DomainError;
  }
}

/** The developer behind a request that AccessGuard let through to a route for developers. */
export function developerOf({ identity }: FastifyRequest): OwnerId {
  if ('kind' in identity && identity.kind === 'developer') return identity.sub;
  throw new Error('Only a route for developers can ask which developer is calling.');
}

/**
 * The end user behind a request that AccessGuard let through to a route for end users; nobody when the token
 * names no project.
 */
export function endUserOf({ identity }: FastifyRequest): EndUser | undefined {
  if (!('kind' in identity) || identity.kind !== 'end_user')
    throw new Error('Only a route for end users can ask which one is calling.');
  const { projectId, sub } = identity;
  return projectId && { projectId, userId: endUserId(projectId, sub), subject: sub };
}

/** Who is calling, for the history. On any route that asks for a token. */
export const CurrentActor = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const { identity } = request;
  if (!('sub' in identity)) throw new Error('Only a route that asks for a token can ask who is calling.');
  return personActor(identity.sub, request);
});

/** Injects the calling developer's `OwnerId` into a handler of a route for developers. */
export const CurrentDeveloper = createParamDecorator((_: unknown, context: ExecutionContext): OwnerId =>
  developerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/**
 * Injects the calling `EndUser` into a handler of a route marked `@ForEndUsers()` that has the
 * `EndUserGuard`.
 */
export const CurrentEndUser = createParamDecorator((_: unknown, context: ExecutionContext): EndUser => {
  const endUser = endUserOf(context.switchToHttp().getRequest<FastifyRequest>());
  if (!endUser) throw new Error('This route has no EndUserGuard.');
  return endUser;
});
