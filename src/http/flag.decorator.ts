import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Checked } from './check.decorator.js';

interface FlagOptions {
  description: string;
  default: boolean;
}

/** A boolean of a JSON body. The property's initializer is what it is when absent; `default` documents it. */
export function Flag({ description, default: fallback }: FlagOptions): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ description, type: 'boolean', default: fallback, required: false, example: fallback }),
    Checked((value) => (typeof value === 'boolean' ? undefined : { type: 'bool_type', msg: 'must be true or false' })),
  );
}
