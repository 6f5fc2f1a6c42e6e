import {
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../common/errors.js';
import { insufficientScope } from './auth.errors.js';
import type { Caller, ServiceAccount } from './caller.js';

export const ACCESS = 'auth:access';
export const UNLIMITED = 'auth:unlimited';

const SERVICE_ACCOUNTS = 'auth:service-accounts';
const OPERATION = 'auth:operation';

/** The audience of a route. A route without one is for developers. */
export type Access = 'developer' | 'end_user' | 'operator' | 'public';

interface Operation {
  /** The lowest role of an operator's service account. A person who is an operator has both. */
  readonly role: ServiceAccount['role'];
  /** Whether only a person may do it, since a service account manages no service accounts. */
  readonly isPersonal?: boolean;
}

/** Opens a route to everybody; a token is optional. */
export const Public = () => SetMetadata(ACCESS, 'public' satisfies Access);

/** Opens a route to every developer. Routes of one project use `@RequiresPermission()` instead. */
export const ForDevelopers = () => SetMetadata(ACCESS, 'developer' satisfies Access);

/** Opens a route for developers to service accounts too. `@RequiresPermission()` includes it. */
export const AllowServiceAccounts = () => SetMetadata(SERVICE_ACCOUNTS, true);

/** Restricts a route to operators of the installation. Others are refused before anything is looked up. */
export const ForOperators = (role: Operation['role'], options: Omit<Operation, 'role'> = {}) =>
  applyDecorators(
    SetMetadata(ACCESS, 'operator' satisfies Access),
    SetMetadata(OPERATION, { role, ...options } satisfies Operation),
    ApiExtension('x-operator', {
      service_accounts: options.isPersonal ? [] : role === 'viewer' ? ['viewer', 'admin'] : ['admin'],
    }),
  );

/** Restricts a route to end users, whose tokens have a `project_id`. */
export const ForEndUsers = () => SetMetadata(ACCESS, 'end_user' satisfies Access);

/** Exempts a route from the rate limit. */
export const Unlimited = () => SetMetadata(UNLIMITED, true);

/** Denies by default: a route without a mark is open to developers only. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): true {
    const declared = <T>(key: string) =>
      this.reflector.getAllAndOverride<T | undefined>(key, [context.getHandler(), context.getClass()]);
    const access = declared<Access>(ACCESS) ?? 'developer';
    if (access === 'public') return true;
    const { identity } = context.switchToHttp().getRequest<FastifyRequest>();
    if (identity instanceof DomainError) throw identity;
    if (access === 'operator') return assertOperator(identity, declared<Operation>(OPERATION));
    if (identity.kind === access) return true;
    if (access === 'end_user')
      throw insufficientScope(
        'This operation is for the end users of a project, whose access token has a project_id.',
      );
    if (identity.kind === 'service_account') {
      if (declared<true>(SERVICE_ACCOUNTS)) return true;
      throw insufficientScope('This operation is for developers themselves, not for service accounts.');
    }
    if (identity.kind === 'unscoped')
      throw insufficientScope('The access token lacks the scope of developers.', identity.missingScope);
    throw insufficientScope('This operation is for the developer of a project, not for its end users.');
  }
}

/** @throws DomainError `insufficient_scope` */
function assertOperator(caller: Caller, operation: Operation | undefined): true {
  if (!operation) throw new Error('A route for operators is declared with @ForOperators().');
  if (caller.kind === 'developer' && caller.isOperator) return true;
  if (caller.kind !== 'service_account' || caller.projectId !== null)
    throw insufficientScope('This operation is for operators of this service.');
  if (operation.isPersonal)
    throw insufficientScope(
      'A service account manages no service accounts: a person who is an operator does, or the command line.',
    );
  if (operation.role === 'admin' && caller.role !== 'admin')
    throw insufficientScope('This operation needs an operator with the role admin; yours is viewer.');
  return true;
}
