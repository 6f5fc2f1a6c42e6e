import { type ArgumentMetadata, Injectable, type PipeTransform, SetMetadata, type Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync, type ValidationError } from 'class-validator';
import type { Check } from './check.decorator.js';
import { type Problem, ValidationFailed } from './errors.js';

const FORBIDS_UNKNOWN = Symbol('forbids unknown fields');

/** On a DTO: a field that it doesn't declare is an error. Without it unknown fields are dropped. */
export const ForbidUnknownFields = () => SetMetadata(FORBIDS_UNKNOWN, true);

const LOCATIONS = { body: 'body', query: 'query', param: 'path', custom: 'body' } as const;
const UNKNOWN_FIELDS_NAMED = 10;

/** A word or a few, as people write field names: unlike a key, which has digits, a known prefix, or no words in it. */
const FIELD_NAME = /^[a-z]{1,16}(?:[_-]?[A-Za-z][a-z]{1,15}){0,4}$/;
const SECRET_PREFIX = /(?:^|[^a-z])(?:[spr]k|whsec|we|acct)[_-]/i;

/** Turns a request's JSON into its DTO, or says everything that is wrong with it at once. */
@Injectable()
export class RequestPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (!metatype || !isDto(metatype)) return value;
    const location = LOCATIONS[type];
    if (!isPlainObject(value)) {
      throw new ValidationFailed([{ loc: [location], msg: 'must be a JSON object', type: value === undefined ? 'missing' : 'model_type' }]);
    }
    const dto: object = plainToInstance(metatype, value);
    const forbidNonWhitelisted = Reflect.getMetadata(FORBIDS_UNKNOWN, metatype) === true;
    const errors = validateSync(dto, { whitelist: true, forbidNonWhitelisted });
    if (errors.length > 0) throw new ValidationFailed(toProblems(errors, location));
    return dto;
  }
}

function isDto(metatype: Type<unknown> | (() => unknown)): metatype is Type<object> {
  return getMetadataStorage().getTargetValidationMetadatas(metatype, '', true, false).length > 0;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toProblems(errors: ValidationError[], location: string): Problem[] {
  const unknown = errors.filter(isUnknownField);
  const problems = errors.filter((error) => !isUnknownField(error)).map((error) => toProblem(error, location));
  for (const { property } of unknown.slice(0, UNKNOWN_FIELDS_NAMED)) problems.push(unknownField(property, location));
  const more = unknown.length - UNKNOWN_FIELDS_NAMED;
  if (more > 0) problems.push({ loc: [location], msg: `${more} more fields are unknown here`, type: 'extra_forbidden' });
  return problems;
}

function isUnknownField({ constraints }: ValidationError): boolean {
  return constraints !== undefined && 'whitelistValidation' in constraints;
}

function toProblem({ property, value, contexts }: ValidationError, location: string): Problem {
  const check = (contexts?.['check'] as { check: Check } | undefined)?.check;
  return { loc: [location, property], ...(check?.(value) ?? { msg: 'is not valid', type: 'value_error' }) };
}

/** Someone who pastes a key into the wrong place may have pasted it as a name: only what reads like a field's name is repeated. */
function unknownField(name: string, location: string): Problem {
  const type = 'extra_forbidden';
  return FIELD_NAME.test(name) && !SECRET_PREFIX.test(name)
    ? { loc: [location, name], msg: 'is not a field of this operation; look for a typing error', type }
    : {
        loc: [location],
        msg: 'has a field that this operation does not know; its name is not repeated here, in case it is a secret',
        type,
      };
}
