import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { type Check, Checked } from './check.decorator.js';

interface WholeNumberOptions {
  description: string;
  minimum: number;
  maximum?: number;
  default: number;
}

/** A whole number. The property's initializer is what it is when absent; `default` documents it. */
export function WholeNumber({ description, default: fallback, ...bounds }: WholeNumberOptions): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ description, type: 'integer', default: fallback, required: false, example: fallback, ...bounds }),
    Checked(wholeNumberCheck(bounds.minimum, bounds.maximum)),
  );
}

/** Of a number in JSON. */
export function wholeNumberCheck(minimum: number, maximum = Infinity): Check {
  return (value) => {
    if (!Number.isInteger(value)) return { type: 'int_type', msg: 'must be a whole number' };
    if (Number(value) < minimum) return { type: 'greater_than_equal', msg: `must be at least ${minimum}` };
    if (Number(value) > maximum) return { type: 'less_than_equal', msg: `must be at most ${maximum}` };
    return undefined;
  };
}
