import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { Checked } from './check.decorator.js';

interface FlagOptions {
  description: string;
  default: boolean;
}

/** A boolean of a JSON body that may be absent, and then has its default. */
export function Flag({ description, default: fallback }: FlagOptions): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ description, type: 'boolean', default: fallback, required: false, example: fallback }),
    Transform(({ value }: { value: unknown }) => (value === undefined ? fallback : value), { toClassOnly: true }),
    Checked((value) => (value === undefined || typeof value === 'boolean' ? undefined : { type: 'bool_type', msg: 'must be true or false' })),
  );
}
