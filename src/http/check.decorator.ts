import { registerDecorator } from 'class-validator';
import type { Problem } from '../common/errors.js';

/** Looks at one value of a request. @returns what is wrong with it, or `undefined` */
export type Check = (value: unknown) => Omit<Problem, 'loc'> | undefined;

/** A class-validator rule that tells its problem's type as well as its message; `RequestPipe` reads both. */
export function Checked(check: Check): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'check',
      target: target.constructor,
      propertyName: String(property),
      options: { context: { check } },
      validator: { validate: (value) => check(value) === undefined, defaultMessage: (argument) => check(argument?.value)?.msg ?? '' },
    });
}
