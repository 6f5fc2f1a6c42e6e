import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { DomainError, ValidationFailed } from '../common/errors.js';
import { IdempotentAnswers, type IdempotentCall } from './idempotent-answers.js';

const KEY = /^[\x20-\x7e]{1,255}$/;

/** Takes care of the `Idempotency-Key` of a request. It runs after the guards, so that an answer is repeated only to who may have it. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly answers: IdempotentAnswers) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const key = readKey(request);
    if (key === undefined) return next.handle();
    const reply = http.getResponse<FastifyReply>();
    const perform = async () => ({ body: await lastValueFrom<unknown>(next.handle()), status: reply.statusCode });
    const { status, body, isReplayed } = await this.answers.once({ key, ...callOf(request) }, perform);
    reply.status(status);
    if (isReplayed) reply.header('idempotent-replayed', 'true');
    return of(body);
  }
}

function readKey({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined || (typeof key === 'string' && KEY.test(key))) return key;
  throw new ValidationFailed([
    { loc: ['header', 'Idempotency-Key'], msg: 'must be 1 to 255 printable ASCII characters', type: 'value_error' },
  ]);
}

function callOf({ identity, project, method, routeOptions, body, query }: FastifyRequest): Omit<IdempotentCall, 'key'> {
  if (identity instanceof DomainError) throw identity;
  const projectId = identity.kind === 'end_user' ? identity.projectId : project?.id;
  if (!projectId) throw new Error('Only an operation of one project can be idempotent by key.');
  return {
    projectId,
    caller: `${identity.kind} ${identity.sub}`,
    operation: `${method} ${routeOptions.url}`,
    request: [body ?? null, query],
  };
}
