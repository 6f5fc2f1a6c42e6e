import { DomainError } from '../common/errors.js';

/** What `If-Match` or `If-None-Match` names: anything that is there, or some of its states by their tags. */
export type EntityTags = '*' | readonly EntityTag[];

export interface EntityTag {
  readonly isWeak: boolean;
  /** What stands between the quotation marks. */
  readonly opaque: string;
}

/**
 * One element of the list, with the comma after it; recipients put up with empty ones (RFC 9110, section
 * 5.6.1).
 */
const ELEMENT = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)")?[ \t]*(?:,|$)/y;

/**
 * Reads `If-Match` or `If-None-Match` (RFC 9110, section 13.1).
 * @returns `undefined` when the header was not sent
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
