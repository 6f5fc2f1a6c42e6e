import { DomainError } from '../common/errors.js';

/** Value of `If-Match` or `If-None-Match`: any existing state, or a list of tags. */
export type EntityTags = '*' | readonly EntityTag[];

export interface EntityTag {
  readonly isWeak: boolean;
  /** Text between the quotation marks. */
  readonly opaque: string;
}

/** One list element and its comma. Empty elements are allowed (RFC 9110, section 5.6.1). */
const ELEMENT = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*)?(?:,|$)/y;

/**
 * Parses `If-Match` or `If-None-Match` (RFC 9110, section 13.1).
 * @returns `undefined` if the header is absent
 * @throws DomainError `malformed_request`
 */
export function readEntityTags(
  name: 'If-Match' | 'If-None-Match',
  value: string | undefined,
): EntityTags | undefined {
  if (value === undefined) return undefined;
  if (value.trim() === '*') return '*';
  const tags: EntityTag[] = [];
  for (let read = 0; read < value.length; read = ELEMENT.lastIndex) {
    ELEMENT.lastIndex = read;
    const element = ELEMENT.exec(value);
    if (!element) throw malformed(name);
    const [, weak, opaque] = element;
    if (opaque !== undefined) tags.push({ isWeak: weak !== undefined, opaque });
  }
  if (tags.length === 0) throw malformed(name);
  return tags;
}

function malformed(name: string): DomainError {
  return new DomainError(
    'malformed_request',
    `The ${name} header must be * or a list of entity tags in quotation marks, as ETag has them.`,
  );
}
