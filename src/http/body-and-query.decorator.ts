import { createParamDecorator, type ExecutionContext, type Type } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type Problem, ValidationFailed } from '../common/errors.js';
import { RequestPipe } from './request.pipe.js';

/** Reads one value of the query. */
export interface QueryReader {
  readonly name: string;
  /** @throws ValidationFailed */
  transform(value: unknown): unknown;
}

interface Parts {
  readonly body: Type<object>;
  readonly query: readonly QueryReader[];
}

const PIPE = new RequestPipe();

const ReadParts = createParamDecorator(({ body, query }: Parts, context: ExecutionContext): unknown[] => {
  const request = context.switchToHttp().getRequest<FastifyRequest<{ Querystring: Record<string, unknown> }>>();
  const problems: Problem[] = [];
  const read = (reader: () => unknown): unknown => {
    try {
      return reader();
    } catch (error) {
      if (!(error instanceof ValidationFailed)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const values = query.map((reader) => read(() => reader.transform(request.query[reader.name])));
  const dto = read(() => PIPE.transform(request.body, { type: 'body', metatype: body }));
  if (problems.length > 0) throw new ValidationFailed(problems);
  return [dto, ...values];
});

/**
 * The body as its DTO, then values of the query: a pipe for each would tell only the first of them that is wrong.
 * @param body the DTO; the parameter's type can't say it
 */
export const BodyAndQuery = (body: Type<object>, ...query: QueryReader[]): ParameterDecorator => ReadParts({ body, query });
