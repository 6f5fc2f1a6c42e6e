import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Checked } from './check.decorator.js';

interface ChoiceOptions<T extends string> {
  description: string;
  of: readonly T[];
  default: NoInfer<T>;
}

/** One of a few words in a JSON body. The property's initializer is what it is when absent; `default` documents it. */
export function Choice<T extends string>({ description, of: words, default: fallback }: ChoiceOptions<T>): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ description, type: 'string', pattern: `^(${words.join('|')})$`, default: fallback, required: false, example: fallback }),
    Checked((value) => (words.some((word) => word === value) ? undefined : { type: 'enum', msg: `must be one of ${words.join(', ')}` })),
  );
}
