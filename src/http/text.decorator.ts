import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ApiNullableString } from './openapi/api-property.js';
import { type Check, Checked } from './check.decorator.js';
import { isVisibleName, isVisibleText, showsSomething } from '../common/typed-text.js';

/** A key pasted into the wrong field would be stored and shown as it is. */
const STRIPE_SECRET = /(?:[sr]k_(?:test|live|org)|whsec)_\w/;

interface TextOptions {
  description: string;
  example: string;
  /** Code points, as JSON Schema counts them. */
  minLength?: number;
  maxLength: number;
  /** Whether the field may be absent or `null`. */
  optional?: boolean;
  /** Whether it may have line breaks and tabs. */
  multiline?: boolean;
}

/** A field of free text that both databases can store as it is, and that holds no key of Stripe. */
export function Text({ optional = false, multiline = false, ...options }: TextOptions): PropertyDecorator {
  const check = Checked(nameCheck(options.minLength ?? 0, options.maxLength, { lines: multiline }));
  return optional
    ? applyDecorators(ApiNullableString({ ...options, required: false }), IsOptional(), check)
    : applyDecorators(ApiProperty({ ...options, type: 'string' }), check);
}

/** What is wrong with what somebody typed to be read by others: a name, or a text of several lines. */
export function nameCheck(minLength: number, maxLength: number, { lines = false } = {}): Check {
  const check = textCheck(minLength, maxLength);
  const isVisible = lines ? isVisibleText : isVisibleName;
  return (value) => {
    const problem = check(value);
    if (problem || typeof value !== 'string') return problem;
    if (!isVisible(value)) {
      return {
        type: 'value_error',
        msg: 'has a character that nobody can see (a control, a zero-width character or a direction mark), or a pile of marks',
      };
    }
    return lines || value === '' || showsSomething(value) ? undefined : { type: 'value_error', msg: 'has nothing that can be seen' };
  };
}

/** What is wrong with a text, which both databases could not store as it is, or which is too short or long. */
export function textCheck(minLength: number, maxLength: number): Check {
  return (value) => {
    if (value === undefined) return { type: 'missing', msg: 'is required' };
    if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
    if (value.includes('\0') || !value.isWellFormed()) {
      return { type: 'value_error', msg: 'has a character that is not text (NUL, or half of a surrogate pair)' };
    }
    if (STRIPE_SECRET.test(value))
      return { type: 'value_error', msg: 'has what looks like a Stripe secret key in it; keys go into the Stripe configuration alone' };
    const length = [...value].length;
    if (length < minLength)
      return { type: 'string_too_short', msg: `must have at least ${minLength} character${minLength === 1 ? '' : 's'}` };
    if (length > maxLength) return { type: 'string_too_long', msg: `must have at most ${maxLength} characters` };
    return undefined;
  };
}
