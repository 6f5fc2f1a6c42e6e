import type { PipeTransform } from '@nestjs/common';
import { ValidationFailed } from '../common/errors.js';
import { readFlag } from './read-flag.js';

/** Reads `true` or `false` from the query. */
export class QueryFlagPipe implements PipeTransform<unknown, boolean> {
  constructor(
    readonly name: string,
    private readonly fallback: boolean,
  ) {}

  transform(value: unknown): boolean {
    if (value === undefined) return this.fallback;
    const flag = typeof value === 'string' ? readFlag(value) : undefined;
    if (flag === undefined) throw new ValidationFailed([{ loc: ['query', this.name], msg: 'must be true or false', type: 'bool_type' }]);
    return flag;
  }
}
