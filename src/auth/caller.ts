import type { FastifyRequest } from 'fastify';
import type { DomainError } from '../common/errors.js';
import type { OwnerId, ProjectId } from '../common/ids.js';
import { type EndUser, endUserId } from './end-user.js';

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

/** The end user behind a request that AccessGuard let through to a route for end users; nobody when the token names no project. */
export function endUserOf({ identity }: FastifyRequest): EndUser | undefined {
  if (!('kind' in identity) || identity.kind !== 'end_user') throw new Error('Only a route for end users can ask which one is calling.');
  const { projectId, sub } = identity;
  return projectId && { projectId, userId: endUserId(projectId, sub), subject: sub };
}
