import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { IDEMPOTENT, IdempotencyInterceptor, type IdempotentParts } from './idempotency.interceptor.js';

const DESCRIPTION = `
Chosen by the caller for one thing to do, 1 to 255 printable characters. The same key and request within 24 hours gives the same answer, marked
\`Idempotent-Replayed: true\`, and does nothing again; errors are not remembered.
`
  .trim()
  .replaceAll('\n', ' ');

/** On a handler: takes an `Idempotency-Key`. @param parts what the operation depends on: requests that are equal in these are the same */
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
