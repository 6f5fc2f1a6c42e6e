import {
  applyDecorators,
  type ArgumentMetadata,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  type PipeTransform,
  SetMetadata,
  type Type,
} from '@nestjs/common';
import { ApiSchema, type ApiSchemaOptions } from '@nestjs/swagger';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, registerDecorator, validateSync, type ValidationError } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { type Problem, ValidationFailed } from '../../common/errors.js';
import { Settings } from '../../config/settings.js';

/** Checks one value of a request, which is part of a DTO. @returns its problem, or `undefined` */
export type Check = (value: unknown, settings: Settings, dto: object) => Omit<Problem, 'loc'> | undefined;
/** A problem of one entry of an object, whose name is repeated. */
export type EntryProblem = Omit<Problem, 'loc'> & { readonly entry?: string };
/** Checks an object too. @returns the problems of its entries */
type EntriesCheck = (...given: Parameters<Check>) => ReturnType<Check> | readonly EntryProblem[];
/** A check that is independent of settings. */
export type ValueCheck = (value: unknown) => ReturnType<Check>;

/** Passes the settings to checks, as a property of the DTO during validation. */
const SETTINGS = Symbol('settings');

/** Adds a class-validator rule whose problems have a type. `RequestPipe` reads the check from the context. */
export function Checked(check: EntriesCheck): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'check',
      target: target.constructor,
      propertyName: String(property),
      // class-validator drops the context if there is no message.
      options: { context: { check }, message: 'is not valid' },
      validator: {
        validate: (value, argument) => {
          const dto = argument?.object as { [SETTINGS]: Settings };
          return [check(value, dto[SETTINGS], dto) ?? []].flat().length === 0;
        },
      },
    });
}

const FORBIDS_UNKNOWN = Symbol('forbids unknown fields');

/**
 * Rejects undeclared fields of a DTO, and documents that. Without it they are dropped.
 * @param schema options of `ApiSchema`, which this decorator replaces
 */
export function ForbidUnknownFields(schema: ApiSchemaOptions): ClassDecorator {
  const closed = { ...schema, additionalProperties: false };
  return applyDecorators(SetMetadata(FORBIDS_UNKNOWN, true), ApiSchema(closed));
}

const MAY_BE_ABSENT = Symbol('may be absent');

/** Accepts a request without a body as one with an empty object. */
export const OptionalBody = () => SetMetadata(MAY_BE_ABSENT, true);

const LOCATIONS = { body: 'body', query: 'query', param: 'path', custom: 'body' } as const;
const UNKNOWN_NAMES_LISTED = 10;

/** A plausible field name: a few short words. Secrets have digits, a known prefix, or no words. */
const FIELD_NAME = /^(?=.{1,40}$)[a-z]{1,16}(?:[_-][a-z]{1,16}|[A-Z][a-z]{1,15}){0,4}$/;
/** Prefixes of Stripe's keys and ids, with or without underscores. */
const SECRET_PREFIX = /[spre]k[_-]?(?:test|live|org)|whsec|^(?:we[_-]|acct)/i;

type Field = [name: string, value: unknown];

/** Reads one query value for a handler without a query DTO. */
export interface QueryReader extends PipeTransform {
  readonly name: string;
  /** @throws ValidationFailed */
  transform(value: unknown): unknown;
}

export class QueryFlagPipe implements QueryReader {
  readonly #fallback: boolean;

  constructor(
    readonly name: string,
    fallback: boolean,
  ) {
    this.#fallback = fallback;
  }

  transform(value: unknown): boolean {
    if (value === undefined) return this.#fallback;
    const flag = typeof value === 'string' ? readFlag(value) : undefined;
    if (flag === undefined)
      throw new ValidationFailed([
        { loc: ['query', this.name], msg: 'must be true or false', type: 'bool_type' },
      ]);
    return flag;
  }
}

export class QueryNumberPipe implements QueryReader {
  readonly #min: number;
  readonly #max: number;

  constructor(
    readonly name: string,
    min: number,
    max: number,
  ) {
    this.#min = min;
    this.#max = max;
  }

  transform(value: unknown): number | undefined {
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : NaN;
    if (number >= this.#min && number <= this.#max) return number;
    const msg = `must be a whole number from ${this.#min} to ${this.#max}`;
    throw new ValidationFailed([{ loc: ['query', this.name], msg, type: 'value_error' }]);
  }
}

/** Parts of the request that `BodyAndQuery` reads. */
export class RequestParts {
  constructor(
    readonly body: Type<object>,
    readonly query: readonly QueryReader[],
  ) {}
}

const WholeRequest = createParamDecorator((_parts: RequestParts, context: ExecutionContext): FastifyRequest =>
  context.switchToHttp().getRequest<FastifyRequest>(),
);

/**
 * Injects the body's DTO and query values as an array, and reports the problems of all at once.
 * @param body the DTO, since the parameter's type is an array
 */
export const BodyAndQuery = (body: Type<object>, ...query: QueryReader[]): ParameterDecorator =>
  WholeRequest(new RequestParts(body, query));

/** Converts request data to its DTO, or reports all problems at once. */
@Injectable()
export class RequestPipe implements PipeTransform {
  readonly #declared = new Map<Type, ReadonlySet<string>>();

  constructor(private readonly settings: Settings) {}

  transform(
    given: unknown,
    { type, metatype, data }: { data?: unknown } & Omit<ArgumentMetadata<object>, 'data'>,
  ): unknown {
    if (data instanceof RequestParts)
      return this.#readParts(given as FastifyRequest<{ Querystring: Record<string, unknown> }>, data);
    const isAbsent = given === undefined && metatype && Reflect.getMetadata(MAY_BE_ABSENT, metatype) === true;
    const value = isAbsent ? {} : given;
    // An interceptor may have converted the body already.
    if (!metatype || value instanceof metatype) return value;
    const declared = this.declaredFields(metatype);
    if (declared.size === 0) return value;
    const location = LOCATIONS[type];
    if (!isPlainObject(value)) {
      throw new ValidationFailed([
        {
          loc: [location],
          msg: 'must be a JSON object',
          type: value === undefined ? 'missing' : 'model_type',
        },
      ]);
    }
    const dto = toDto(
      metatype,
      Object.entries(value).filter(([name]) => declared.has(name)),
    );
    const problems = this.#validate(dto).flatMap((error) => this.#toProblems(error, location));
    if (Reflect.getMetadata(FORBIDS_UNKNOWN, metatype) === true) {
      const unknown = Object.keys(value).filter((name) => !declared.has(name));
      problems.push(...unknownNames(unknown, location));
    }
    if (problems.length > 0) throw new ValidationFailed(problems);
    return dto;
  }

  #readParts(
    { body, query }: FastifyRequest<{ Querystring: Record<string, unknown> }>,
    parts: RequestParts,
  ): unknown[] {
    const problems: Problem[] = [];
    const read = (reader: () => unknown): unknown => {
      try {
        return reader();
      } catch (error) {
        if (!(error instanceof ValidationFailed)) throw error;
        problems.push(...error.problems);
        return undefined;
      }
    };
    const values = parts.query.map((reader) => read(() => reader.transform(query[reader.name])));
    const dto = read(() => this.transform(body, { type: 'body', metatype: parts.body }));
    if (problems.length > 0) throw new ValidationFailed(problems);
    return [dto, ...values];
  }

  /** Attaches the settings to the DTO, because class-validator passes nothing else to a rule. */
  #validate(dto: object): ValidationError[] {
    Object.defineProperty(dto, SETTINGS, { value: this.settings, configurable: true });
    const errors = validateSync(dto);
    Reflect.deleteProperty(dto, SETTINGS);
    return errors;
  }

  #toProblems({ property, value, contexts, target = {} }: ValidationError, location: string): Problem[] {
    const check = (contexts?.['check'] as { check: EntriesCheck } | undefined)?.check;
    const found = check?.(value, this.settings, target) ?? { msg: 'is not valid', type: 'value_error' };
    return [found].flat().map(({ entry, ...problem }: EntryProblem) => ({
      loc: [location, property, ...(entry === undefined ? [] : [entry])],
      ...problem,
    }));
  }

  /** Names of a DTO's fields. */
  declaredFields(metatype: Type): ReadonlySet<string> {
    let declared = this.#declared.get(metatype);
    if (!declared) {
      const rules = getMetadataStorage().getTargetValidationMetadatas(metatype, '', true, false);
      declared = new Set(rules.map(({ propertyName }) => propertyName));
      this.#declared.set(metatype, declared);
    }
    return declared;
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Hides nested objects from class-transformer, which would call their `constructor` property. */
function toDto(metatype: Type<object>, fields: Field[]): object {
  const isNested = ([, value]: Field) => typeof value === 'object' && value !== null;
  const dto = plainToInstance(metatype, Object.fromEntries(fields.filter((field) => !isNested(field))));
  return Object.assign(dto, Object.fromEntries(fields.filter(isNested)));
}

/** Whether a text may be repeated as the name of a field: it could be a pasted key. */
export function isPlausibleName(text: string): boolean {
  return FIELD_NAME.test(text) && !SECRET_PREFIX.test(text);
}

/** Problems of names that nothing declares. Repeats a name only if it looks like one. */
export function unknownNames(names: readonly string[], location: string): Problem[] {
  const type = 'extra_forbidden';
  const noun = location === 'query' ? 'parameter' : 'field';
  const problems = names.slice(0, UNKNOWN_NAMES_LISTED).map((name): Problem =>
    isPlausibleName(name)
      ? { loc: [location, name], msg: `is not a ${noun} of this operation; look for a typing error`, type }
      : {
          loc: [location],
          msg: `has a ${noun} that this operation does not know; its name is not repeated here, in case it is a secret`,
          type,
        },
  );
  const more = names.length - UNKNOWN_NAMES_LISTED;
  if (more > 0) problems.push({ loc: [location], msg: `${more} more ${noun}s are unknown here`, type });
  return problems;
}

const TRUE = ['true', '1', 't', 'y', 'yes', 'on'];
const FALSE = ['false', '0', 'f', 'n', 'no', 'off'];

/** Parses the spellings of a boolean that clients use, such as Python's `True`. */
export function readFlag(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (TRUE.includes(word)) return true;
  return FALSE.includes(word) ? false : undefined;
}
