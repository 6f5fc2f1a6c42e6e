import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiPreconditionFailedResponse } from '@nestjs/swagger';
import { ErrorResponse } from '../../../http/openapi/api-errors.decorator.js';

const TAG = { type: 'string', example: '"7"' } as const;

/** Of an answer that has the state of the configuration. */
export const ENTITY_TAG = {
  ETag: { description: 'Stands for this state of the configuration; any change makes it another one.', schema: TAG },
};

/** For an operation that looks at `If-Match` and `If-None-Match`. */
export function ApiPreconditions(): MethodDecorator {
  return applyDecorators(
    ApiHeader({
      name: 'If-Match',
      description: 'Go on only if the `ETag` is one of these, or, with `*`, if there is an active configuration.',
      required: false,
      schema: TAG,
    }),
    ApiHeader({
      name: 'If-None-Match',
      description: 'Go on only if the `ETag` is none of these, or, with `*`, if there is no active configuration.',
      required: false,
      schema: { type: 'string', example: '*' },
    }),
    ApiPreconditionFailedResponse({
      description: 'The configuration is in another state than the headers ask for; `ETag` has the current one.',
      type: ErrorResponse,
      headers: ENTITY_TAG,
    }),
  );
}
