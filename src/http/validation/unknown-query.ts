import {
  type ArgumentMetadata,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  SetMetadata,
  type Type,
} from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/internal';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { type Problem, ValidationFailed } from '../../common/errors.js';
import { type QueryReader, RequestParts, RequestPipe, unknownNames } from './request.pipe.js';

const ACCEPTS_ANY_QUERY = 'http:any-query';
const GUARD_QUERY = 'http:guard-query';

/** Exempts a route from the check, for URLs that others have stored. */
export const AcceptsAnyQuery = () => SetMetadata(ACCEPTS_ANY_QUERY, true);

/** Declares query parameters that a guard of the routes reads. */
export const GuardReadsQuery = (...readers: QueryReader[]) => SetMetadata(GUARD_QUERY, readers);

type Request = FastifyRequest<{ Querystring: Record<string, unknown> }>;

/** One way in which a handler reads a request. */
interface Input {
  /** Names of query parameters. */
  readonly query: readonly string[];
  /** @throws ValidationFailed */
  read(request: Request): unknown;
}

/** How Nest's parameter decorators store a parameter. */
interface RouteArgument {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes?: readonly (PipeTransform | Type<PipeTransform>)[];
}

const API = '/api/v1/';

/**
 * Refuses query parameters that the operation doesn't declare: a misspelt filter would show more than was asked
 * for. Runs after the guards and after the body is read, so that one answer has the problems of all parts.
 */
@Injectable()
export class UnknownQueryInterceptor implements NestInterceptor {
  readonly #inputs = new Map<unknown, readonly Input[]>();

  constructor(
    private readonly pipe: RequestPipe,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    const names = Object.keys(request.query);
    if (names.length > 0 && request.routeOptions.url?.startsWith(API)) this.#check(context, request, names);
    return next.handle();
  }

  #check(context: ExecutionContext, request: Request, names: readonly string[]): void {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(ACCEPTS_ANY_QUERY, targets)) return;
    const readers = this.reflector.getAllAndOverride<QueryReader[] | undefined>(GUARD_QUERY, targets) ?? [];
    const inputs = this.#inputsOf(context);
    const declared = new Set([...readers.map(({ name }) => name), ...inputs.flatMap(({ query }) => query)]);
    const unknown = names.filter((name) => !declared.has(name));
    const ofGuards = readers.flatMap((reader) =>
      problemsOf(() => reader.transform(request.query[reader.name])),
    );
    if (unknown.length === 0 && ofGuards.length === 0) return;
    const ofInputs = inputs.flatMap((input) => problemsOf(() => input.read(request)));
    throw new ValidationFailed([...ofGuards, ...ofInputs, ...unknownNames(unknown, 'query')]);
  }

  #inputsOf(context: ExecutionContext): readonly Input[] {
    const handler = context.getHandler();
    let inputs = this.#inputs.get(handler);
    if (!inputs) {
      const [target, name] = [context.getClass(), handler.name];
      const declared = (Reflect.getMetadata(ROUTE_ARGS_METADATA, target, name) ?? {}) as Record<
        string,
        RouteArgument
      >;
      const types = (Reflect.getMetadata('design:paramtypes', target.prototype as object, name) ??
        []) as Type<object>[];
      inputs = Object.entries(declared).flatMap(([key, argument]) =>
        this.#inputOf(Number.parseInt(key, 10), argument, types[argument.index]),
      );
      this.#inputs.set(handler, inputs);
    }
    return inputs;
  }

  #inputOf(kind: number, { data, pipes = [] }: RouteArgument, metatype: Type<object> | undefined): Input[] {
    const { pipe } = this;
    const declaredBy = (type: Type<object> | undefined) => (type ? [...pipe.declaredFields(type)] : []);
    if (data instanceof RequestParts)
      return [
        {
          query: data.query.map(({ name }) => name),
          read: (request) => pipe.transform(request, { type: 'custom', data }),
        },
      ];
    if (kind === Number(RouteParamtypes.QUERY))
      return [
        {
          query: declaredBy(metatype),
          read: ({ query }) => pipe.transform(query, { type: 'query', metatype }),
        },
      ];
    if (kind === Number(RouteParamtypes.BODY))
      return [{ query: [], read: ({ body }) => pipe.transform(body, { type: 'body', metatype }) }];
    if (kind === Number(RouteParamtypes.PARAM))
      return pipes.map((each) => ({
        query: [],
        read: ({ params }) => readParameter(typeof each === 'function' ? new each() : each, params, data),
      }));
    return [];
  }
}

function readParameter(pipe: PipeTransform, params: unknown, name: unknown): unknown {
  const value = typeof name === 'string' ? (params as Record<string, string>)[name] : params;
  return pipe.transform(value, { type: 'param', data: String(name) } satisfies ArgumentMetadata);
}

function problemsOf(read: () => unknown): Problem[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof ValidationFailed) return error.problems;
    throw error;
  }
}
