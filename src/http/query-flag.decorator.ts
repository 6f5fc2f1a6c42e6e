import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { Checked } from './check.decorator.js';
import { readFlag } from './read-flag.js';

interface QueryFlagOptions {
  description: string;
  /** What the property's initializer says; without one it is a filter that may be absent. */
  default?: boolean;
}

/** `true` or `false` in a query. */
export function QueryFlag({ description, default: fallback }: QueryFlagOptions): PropertyDecorator {
  const schema: ApiPropertyOptions =
    fallback === undefined ? { anyOf: [{ type: 'boolean' }, { type: 'null' }] } : { type: 'boolean', default: fallback };
  return applyDecorators(
    ApiProperty({ ...schema, description, required: false }),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? (readFlag(value) ?? value) : value)),
    IsOptional(),
    Checked((value) => (typeof value === 'boolean' ? undefined : { type: 'bool_type', msg: 'must be true or false' })),
  );
}
