import { applyDecorators, type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { ValidationFailed } from '../../common/errors.js';
import { parseUuid } from '../../common/ids.js';
import { parseTime } from '../../common/time.js';
import { isVisibleName, isVisibleText, showsSomething } from '../../common/typed-text.js';
import { ApiNullableString } from '../openapi/api-errors.js';
import { Checked, readFlag, type ValueCheck } from './request.pipe.js';

interface TextOptions {
  description: string;
  example: string;
  /** Code points, as JSON Schema counts them. */
  minLength?: number;
  maxLength: number;
  /** Whether the field may be absent or `null`. */
  optional?: boolean;
  /** Whether line breaks and tabs are allowed. */
  multiline?: boolean;
}

/** Free text that both databases store unchanged. Rejects Stripe keys. */
export function TextField({
  optional = false,
  multiline = false,
  ...options
}: TextOptions): PropertyDecorator {
  const check = Checked(nameCheck(options.minLength ?? 0, options.maxLength, { lines: multiline }));
  return optional
    ? applyDecorators(ApiNullableString({ ...options, required: false }), IsOptional(), check)
    : applyDecorators(ApiProperty({ ...options, type: 'string' }), check);
}

interface ChoiceOptions<T extends string> {
  description: string;
  of: readonly T[];
  default: NoInfer<T>;
}

/** A choice in a JSON body. An absent one uses the property's initializer; `default` documents it. */
export function Choice<T extends string>({
  description,
  of: words,
  default: fallback,
}: ChoiceOptions<T>): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      description,
      type: 'string',
      pattern: `^(${words.join('|')})$`,
      default: fallback,
      required: false,
      example: fallback,
    }),
    Checked((value) =>
      words.some((word) => word === value)
        ? undefined
        : { type: 'enum', msg: `must be one of ${words.join(', ')}` },
    ),
  );
}

interface FlagOptions {
  description: string;
  default: boolean;
}

/** A boolean in a JSON body. An absent one uses the property's initializer; `default` documents it. */
export function Flag({ description, default: fallback }: FlagOptions): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ description, type: 'boolean', default: fallback, required: false, example: fallback }),
    Checked(booleanCheck),
  );
}

interface WholeNumberOptions {
  description: string;
  minimum: number;
  maximum?: number;
  default: number;
}

/** A whole number in a JSON body. An absent one uses the property's initializer; `default` documents it. */
export function WholeNumber({
  description,
  default: fallback,
  ...bounds
}: WholeNumberOptions): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      description,
      type: 'integer',
      default: fallback,
      required: false,
      example: fallback,
      ...bounds,
    }),
    Checked(wholeNumberCheck(bounds.minimum, bounds.maximum)),
  );
}

/** A whole number in a query. */
export function QueryNumber(options: WholeNumberOptions): PropertyDecorator {
  // Leaves other text unchanged for the check to reject.
  const read = ({ value }: { value: unknown }): unknown =>
    typeof value === 'string' && /^-?\d{1,300}$/.test(value) ? Number(value) : value;
  return applyDecorators(Transform(read), WholeNumber(options));
}

/** Reads a path parameter that is a UUID: `@Param('service_account_id', UuidPipe)`. */
@Injectable()
export class UuidPipe implements PipeTransform<string> {
  /** @throws ValidationFailed */
  transform(value: string, { data = '' }: ArgumentMetadata): string {
    const id = parseUuid(value);
    if (id === undefined)
      throw new ValidationFailed([{ loc: ['path', data], msg: 'must be a UUID', type: 'uuid_parsing' }]);
    return id;
  }
}

interface QueryFlagOptions {
  description: string;
  /** Documents the property's initializer. Optional filters have neither. */
  default?: boolean;
}

/** A boolean in a query. */
export function QueryFlag({ description, default: fallback }: QueryFlagOptions): PropertyDecorator {
  const schema: ApiPropertyOptions =
    fallback === undefined
      ? { anyOf: [{ type: 'boolean' }, { type: 'null' }] }
      : { type: 'boolean', default: fallback };
  return applyDecorators(
    ApiProperty({ ...schema, description, required: false }),
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' ? (readFlag(value) ?? value) : value,
    ),
    IsOptional(),
    Checked(booleanCheck),
  );
}

/** An optional UUID in a query, in lower case. */
export function QueryUuid({ description }: { description: string }): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      description,
      required: false,
      anyOf: [{ type: 'string', format: 'uuid' }, { type: 'null' }],
      example: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11',
    }),
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' ? (parseUuid<string>(value) ?? value) : value,
    ),
    IsOptional(),
    Checked((value) =>
      typeof value === 'string' && parseUuid(value)
        ? undefined
        : { type: 'uuid_parsing', msg: 'must be a UUID' },
    ),
  );
}

/** An optional time in a query: RFC 3339, read to a `Date`. */
export function QueryTime({ description }: { description: string }): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      type: 'string',
      description: `${description} RFC 3339, with \`Z\` or an offset.`,
      required: false,
      anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }],
      example: '2026-11-21T09:30:00.000Z',
    }),
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' ? (parseTime(value) ?? value) : value,
    ),
    IsOptional(),
    Checked((value) =>
      value instanceof Date
        ? undefined
        : {
            type: 'datetime_parsing',
            msg: 'must be a time as in 2026-11-21T09:30:00Z, with Z or an offset; write + as %2B',
          },
    ),
  );
}

/** An optional choice in a query. */
export function QueryChoice({
  description,
  of: words,
  isOpen = false,
  default: fallback,
}: {
  description: string;
  of: readonly string[];
  /** Whether the schema has no `enum`, as in the contract. */
  isOpen?: boolean;
  /** Documents the property's initializer. */
  default?: string;
}): PropertyDecorator {
  const named = words.join(', ');
  const text = { type: 'string' as const, ...(isOpen ? {} : { enum: [...words] }) };
  const schema: ApiPropertyOptions =
    fallback === undefined
      ? { type: 'string', anyOf: [text, { type: 'null' }], example: words[0] }
      : { ...text, default: fallback, example: fallback };
  return applyDecorators(
    ApiProperty({ ...schema, description: `${description}: one of ${named}.`, required: false }),
    IsOptional(),
    Checked((value) =>
      words.some((word) => word === value) ? undefined : { type: 'enum', msg: `must be one of ${named}` },
    ),
  );
}

/** Stripe secrets: a key pasted into the wrong field would be stored and shown in plain text. */
const STRIPE_SECRET = /(?:[sr]k_(?:test|live|org)|whsec)_\w/;

/** Keys of this service (`auth/opaque-keys`), also cut short. */
const OWN_KEY = /tk(?:[cilps]|g_(?:test|live))_[0-9A-Za-z]{16}/;

/** Refuses secrets in a text that lists and the history show. */
export function secretProblem(text: string): ReturnType<ValueCheck> {
  if (STRIPE_SECRET.test(text))
    return {
      type: 'value_error',
      msg: 'has what looks like a Stripe secret key in it; keys go into the Stripe configuration alone',
    };
  return OWN_KEY.test(text)
    ? {
        type: 'value_error',
        msg: 'has what looks like a key of this service in it; others would see it here',
      }
    : undefined;
}

/** Checks a display text: a name, or with `lines` several lines. */
export function nameCheck(minLength: number, maxLength: number, { lines = false } = {}): ValueCheck {
  const check = textCheck(minLength, maxLength);
  const isVisible = lines ? isVisibleText : isVisibleName;
  return (value) => {
    const problem = check(value) ?? secretProblem(String(value));
    if (problem || typeof value !== 'string') return problem;
    if (!isVisible(value)) {
      return {
        type: 'value_error',
        msg: 'has a character that nobody can see (a control, a zero-width character or a direction mark), or a pile of marks',
      };
    }
    return lines || value === '' || showsSomething(value)
      ? undefined
      : { type: 'value_error', msg: 'has nothing that can be seen' };
  };
}

/** Checks the length of a text, and rejects Stripe keys and characters that a database refuses or changes. */
export function textCheck(minLength: number, maxLength: number): ValueCheck {
  return (value) => {
    if (value === undefined) return { type: 'missing', msg: 'is required' };
    if (typeof value !== 'string') return { type: 'string_type', msg: 'must be a string' };
    if (value.includes('\0') || !value.isWellFormed()) {
      return {
        type: 'value_error',
        msg: 'has a character that is not text (NUL, or half of a surrogate pair)',
      };
    }
    if (STRIPE_SECRET.test(value)) return secretProblem(value);
    const length = [...value].length;
    if (length < minLength)
      return {
        type: 'string_too_short',
        msg: `must have at least ${minLength} character${minLength === 1 ? '' : 's'}`,
      };
    if (length > maxLength)
      return { type: 'string_too_long', msg: `must have at most ${maxLength} characters` };
    return undefined;
  };
}

export function wholeNumberCheck(minimum: number, maximum = Infinity): ValueCheck {
  return (value) => {
    if (!Number.isInteger(value)) return { type: 'int_type', msg: 'must be a whole number' };
    if (Number(value) < minimum) return { type: 'greater_than_equal', msg: `must be at least ${minimum}` };
    if (Number(value) > maximum) return { type: 'less_than_equal', msg: `must be at most ${maximum}` };
    return undefined;
  };
}

const booleanCheck: ValueCheck = (value) =>
  typeof value === 'boolean' ? undefined : { type: 'bool_type', msg: 'must be true or false' };
