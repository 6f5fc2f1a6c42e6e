import type { PipeTransform } from '@nestjs/common';
import { ValidationFailed } from '../common/errors.js';

/** Reads a whole number from the query; `undefined` when it is not there. */
export class QueryNumberPipe implements PipeTransform<unknown, number | undefined> {
  constructor(
    readonly name: string,
    private readonly min: number,
    private readonly max: number,
  ) {}

  transform(value: unknown): number | undefined {
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : NaN;
    if (number >= this.min && number <= this.max) return number;
    const msg = `must be a whole number from ${this.min} to ${this.max}`;
    throw new ValidationFailed([{ loc: ['query', this.name], msg, type: 'value_error' }]);
  }
}
