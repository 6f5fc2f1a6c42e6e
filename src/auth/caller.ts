import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { v5 as uuidV5 } from 'uuid';
import { type Actor, personActor, serviceAccountActor } from '../common/actor.js';
import type { DomainError } from '../common/errors.js';
import { type EndUserId, type OwnerId, parseUuid, type ProjectId } from '../common/ids.js';

/** An end user in the project of the access token. */
export interface EndUser {
  readonly projectId: ProjectId;
  readonly userId: EndUserId;
  /** The unchanged `sub` of the token. */
  readonly subject: string;
}

/**
 * Returns the subject if it is a UUID, else its UUIDv5 in the project's namespace (RFC 9562, section 5.5).
 * The id is stable, and a subject that is no UUID gets a different id in each project.
 */
export function endUserId(projectId: ProjectId, subject: string): EndUserId {
  return parseUuid<EndUserId>(subject) ?? (uuidV5(subject, namespaceOf(projectId)) as EndUserId);
}

/** Passes bytes, because as text the library accepts only UUIDs of known versions. */
function namespaceOf(projectId: ProjectId): Uint8Array {
  return Buffer.from(projectId.replaceAll('-', ''), 'hex');
}

/** A machine with a key of its own. */
export interface ServiceAccount {
  readonly kind: 'service_account';
  readonly id: string;
  readonly name: string;
  readonly role: 'viewer' | 'admin';
  /** `null` for an operator's account, which has its role in every project. */
  readonly projectId: ProjectId | null;
  /** `null` for the general limit. */
  readonly requestsPerMinute: number | null;
}

/** The sender of a request, from its verified access token or key. */
export type Caller =
  /**
   * `sessionId` is set only in tokens that this service issues, `isOperator` if the token has the scope of
   * operators, `email` if the token says that it is verified.
   */
  | { kind: 'developer'; sub: OwnerId; sessionId?: string; isOperator?: true; email?: string }
  | ServiceAccount
  /** `projectId` is absent if `project_id` is no valid id: such a token opens nothing. */
  | { kind: 'end_user'; sub: string; projectId?: ProjectId }
  /** A developer whose token lacks the required scope. */
  | { kind: 'unscoped'; sub: string; missingScope: string };

/** A caller that may have roles in several projects. */
export type Reader = Extract<Caller, { kind: 'developer' | 'service_account' }>;

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller, or the reason why there is none. IdentifyCallerGuard sets it before other guards run. */
    identity: Caller | DomainError;
  }
}

/** Returns the caller on a route that requires a token, which AccessGuard has checked. */
export function callerOf({ identity }: FastifyRequest): Caller {
  if ('kind' in identity) return identity;
  throw new Error('Only a route that asks for a token can ask who is calling.');
}

/** Returns the developer on a route for developers, which AccessGuard has checked. */
function developerOf({ identity }: FastifyRequest): OwnerId {
  if ('kind' in identity && identity.kind === 'developer') return identity.sub;
  throw new Error('Only a route for developers can ask which developer is calling.');
}

/** Returns the end user on a route for end users, or `undefined` if the token names no project. */
export function endUserOf({ identity }: FastifyRequest): EndUser | undefined {
  if (!('kind' in identity) || identity.kind !== 'end_user')
    throw new Error('Only a route for end users can ask which one is calling.');
  const { projectId, sub } = identity;
  return projectId && { projectId, userId: endUserId(projectId, sub), subject: sub };
}

/** Injects the caller as the history's actor, on any route that requires a token. */
export const CurrentActor = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const caller = callerOf(request);
  return caller.kind === 'service_account'
    ? serviceAccountActor(caller, request)
    : personActor(caller.sub, request);
});

/** Injects the developer's `OwnerId`, on a route for developers. */
export const CurrentDeveloper = createParamDecorator((_: unknown, context: ExecutionContext): OwnerId =>
  developerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** Injects the `Reader`, on a route for developers and service accounts. */
export const CurrentReader = createParamDecorator((_: unknown, context: ExecutionContext): Reader => {
  const caller = callerOf(context.switchToHttp().getRequest<FastifyRequest>());
  if (caller.kind === 'developer' || caller.kind === 'service_account') return caller;
  throw new Error('This route is for developers and service accounts.');
});

/** Injects the `EndUser`, on a route with `@ForEndUsers()` and the `EndUserGuard`. */
export const CurrentEndUser = createParamDecorator((_: unknown, context: ExecutionContext): EndUser => {
  const endUser = endUserOf(context.switchToHttp().getRequest<FastifyRequest>());
  if (!endUser) throw new Error('This route has no EndUserGuard.');
  return endUser;
});
