import { invalidToken } from './refusals.js';

/** What is read of a token's header before its signature is checked. `jwk`, `jku`, `x5u` and `x5c` are not: a token doesn't bring its own key. */
export interface TokenHeader {
  alg: string;
  kid?: string;
  /** In lower case and without `application/`, which RFC 7515 lets senders leave out. */
  typ?: string;
}

const MAX_TOKEN_LENGTH = 8192;
const COMPACT_FORM = /^([\w-]+)\.[\w-]+\.([\w-]+)$/;

/** @throws DomainError unless the token is a compact JWS of bearable size that asks for no extension */
export function readTokenHeader(token: string): TokenHeader {
  if (token.length > MAX_TOKEN_LENGTH) throw invalidToken(`The access token is longer than ${MAX_TOKEN_LENGTH} characters.`);
  const [, header = '', signature = ''] = COMPACT_FORM.exec(token) ?? [];
  const { alg, kid, typ, crit } = parseJsonObject(header);
  const isWellFormed = typeof alg === 'string' && isOptionalString(kid) && isOptionalString(typ) && isCanonical(signature);
  if (!isWellFormed) throw invalidToken('The access token is malformed.');
  if (crit !== undefined) throw invalidToken('The access token asks for an extension that is not supported here.');
  return { alg, kid, typ: typ && mediaType(typ) };
}

export function mediaType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '');
}

function parseJsonObject(encoded: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString());
    return typeof parsed === 'object' ? { ...parsed } : {};
  } catch {
    return {};
  }
}

function isOptionalString(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

/** Node's decoder ignores the last character's spare bits, so that one signature would have several spellings. */
function isCanonical(encoded: string): boolean {
  return Buffer.from(encoded, 'base64url').toString('base64url') === encoded;
}
