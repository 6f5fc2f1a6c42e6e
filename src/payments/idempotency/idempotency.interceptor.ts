import {
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  SetMetadata,
  type Type,
  UseInterceptors,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { NIL } from 'uuid';
import { DomainError, ValidationFailed } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import type { QueryReader } from '../../http/validation/request.pipe.js';
import { RequestPipe } from '../../http/validation/request.pipe.js';
import { IdempotentAnswers, type IdempotentCall } from './idempotent-answers.js';

const IDEMPOTENT = 'idempotency:parts';

/** Parsed before comparison: explicit defaults equal absent values, and ignored fields don't count. */
export interface IdempotentParts {
  readonly body: Type<object>;
  readonly query?: readonly QueryReader[];
}

/** Stands for the project of an operator's operation, which has none. */
const INSTALLATION = NIL as ProjectId;

type Request = FastifyRequest<{ Querystring: Record<string, unknown> }>;

const KEY = /^[\x20-\x7e]{1,255}$/;

/** Handles the `Idempotency-Key`. Runs after the guards, so that only allowed callers get a stored answer. */
@Injectable()
class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly answers: IdempotentAnswers,
    private readonly reflector: Reflector,
    private readonly pipe: RequestPipe,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    const key = readKey(request);
    if (key === undefined) return next.handle();
    const reply = http.getResponse<FastifyReply>();
    const parts = this.reflector.get<IdempotentParts>(IDEMPOTENT, context.getHandler());
    const perform = async () => ({
      body: await lastValueFrom<unknown>(next.handle()),
      status: reply.statusCode,
    });
    // The handler's own pipe leaves a DTO unchanged.
    request.body = this.pipe.transform(request.body, { type: 'body', metatype: parts.body });
    const { status, body, isReplayed } = await this.answers.once({ key, ...callOf(request, parts) }, perform);
    reply.status(status);
    if (isReplayed) reply.header('idempotent-replayed', 'true');
    return of(body);
  }
}

function readKey({ headers }: Request): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined || (typeof key === 'string' && KEY.test(key))) return key;
  throw new ValidationFailed([
    {
      loc: ['header', 'Idempotency-Key'],
      msg: 'must be 1 to 255 printable ASCII characters',
      type: 'value_error',
    },
  ]);
}

/** @throws ValidationFailed, as the operation would */
function callOf(
  { identity, project, method, routeOptions, body, query }: Request,
  { query: readers = [] }: IdempotentParts,
): Omit<IdempotentCall, 'key'> {
  if (identity instanceof DomainError) throw identity;
  const projectId = identity.kind === 'end_user' ? identity.projectId : project?.id;
  return {
    projectId: projectId ?? INSTALLATION,
    caller: `${identity.kind} ${identity.kind === 'service_account' ? identity.id : identity.sub}`,
    operation: `${method} ${routeOptions.url}`,
    request: [body, ...readers.map((reader) => reader.transform(query[reader.name]))],
  };
}

/** The meaning of a 409, which a request with a key in use gets too. */
export const orBusy = (meaning: { readonly 409: string }) => ({
  409: `${meaning[409]} Or a request with the same \`Idempotency-Key\` is still running.`,
});

const DESCRIPTION = `
Chosen by the caller for one thing to do, 1 to 255 printable characters. The same key and request within 24 hours gives the same answer, marked
\`Idempotent-Replayed: true\`, and does nothing again; errors are not remembered.
`
  .trim()
  .replaceAll('\n', ' ');

/** Accepts an `Idempotency-Key`. @param parts request parts that must be equal in a retry */
export const Idempotent = (parts: IdempotentParts) =>
  applyDecorators(
    SetMetadata(IDEMPOTENT, parts),
    UseInterceptors(IdempotencyInterceptor),
    ApiHeader({
      name: 'Idempotency-Key',
      description: DESCRIPTION,
      required: false,
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    }),
  );
