import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader, ApiPreconditionFailedResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../../common/errors.js';
import { type EntityTags, readEntityTags } from '../../http/entity-tags.js';
import { ErrorResponse } from '../../http/openapi/api-errors.js';
import type { StripeConfig } from './stripe-config.js';

/** What a project without a configuration has in place of a version. */
const NO_VERSION = 0;

/** A configuration as far as conditions look at it; `undefined` where the project never had one. */
export type ConfigState = Pick<StripeConfig, 'version' | 'isActive'> | undefined;

/** Versions, 0 for "never had one", or `*` for any configuration that is active. */
type Versions = '*' | readonly number[];

/** What must hold of the configuration for a call to be carried out. */
export interface Precondition {
  /** It has one of these versions. */
  readonly ifMatch?: Versions;
  /** It has none of these versions. */
  readonly ifNoneMatch?: Versions;
}

/** @returns the member that does not hold, `undefined` when all do */
export function failedCondition(
  { ifMatch, ifNoneMatch }: Precondition,
  state: ConfigState,
): keyof Precondition | undefined {
  if (ifMatch !== undefined && !includes(ifMatch, state)) return 'ifMatch';
  if (ifNoneMatch !== undefined && includes(ifNoneMatch, state)) return 'ifNoneMatch';
  return undefined;
}

/** @throws DomainError `precondition_failed` with the current entity tag */
export function assertCondition(precondition: Precondition, state: ConfigState): void {
  const failed = failedCondition(precondition, state);
  if (!failed) return;
  const message =
    failed === 'ifMatch'
      ? 'The configuration is not the one that If-Match names: somebody else was faster; read it again.'
      : state
        ? 'If-None-Match forbids this: there is such a configuration already.'
        : 'If-None-Match forbids this: the project never had a configuration, which is what "0" stands for.';
  throw new DomainError('precondition_failed', message, { entityTag: entityTagOf(state) });
}

/** Strong (RFC 9110, section 8.8.3). The version is never reset, so within one project it says it all. */
export function entityTagOf(state: ConfigState): string {
  return `"${state?.version ?? NO_VERSION}"`;
}

function includes(versions: Versions, state: ConfigState): boolean {
  return versions === '*' ? state?.isActive === true : versions.includes(state?.version ?? NO_VERSION);
}

/** What the request asks for with `If-Match` and `If-None-Match`. @throws DomainError `malformed_request` */
export const CurrentPrecondition = createParamDecorator(
  (_: unknown, context: ExecutionContext): Precondition => {
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    return {
      ifMatch: versionsIn(readEntityTags('If-Match', headers['if-match']), false),
      ifNoneMatch: versionsIn(readEntityTags('If-None-Match', headers['if-none-match']), true),
    };
  },
);

/** Versions of the tags that are ours; a tag of somebody else equals none. @param weak whether weak tags count (RFC 9110, section 8.8.3.2) */
function versionsIn(tags: EntityTags | undefined, weak: boolean): Precondition['ifMatch'] {
  if (tags === undefined || tags === '*') return tags;
  return tags
    .filter(({ opaque, isWeak }) => (weak || !isWeak) && /^(?:0|[1-9]\d{0,9})$/.test(opaque))
    .map(({ opaque }) => Number(opaque));
}

const TAG = { type: 'string', example: '"7"' } as const;

/** Of an answer that has the state of the configuration. */
export const ENTITY_TAG = {
  ETag: {
    description: 'Stands for this state of the configuration; any change makes it another one.',
    schema: TAG,
  },
};

/** For an operation that looks at `If-Match` and `If-None-Match`. */
export function ApiPreconditions(): MethodDecorator {
  return applyDecorators(
    ApiHeader({
      name: 'If-Match',
      description:
        'Go on only if the `ETag` is one of these, or, with `*`, if there is an active configuration.',
      required: false,
      schema: TAG,
    }),
    ApiHeader({
      name: 'If-None-Match',
      description:
        'Go on only if the `ETag` is none of these, or, with `*`, if there is no active configuration.',
      required: false,
      schema: { type: 'string', example: '*' },
    }),
    ApiPreconditionFailedResponse({
      description:
        'The configuration is in another state than the headers ask for; `ETag` has the current one.',
      type: ErrorResponse,
      headers: ENTITY_TAG,
    }),
  );
}
