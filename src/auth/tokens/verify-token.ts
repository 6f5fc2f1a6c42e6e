import type { KeyObject } from 'node:crypto';
import { jwtVerify } from 'jose/jwt/verify';
import jwt, { type JwtPayload } from 'jsonwebtoken';
import { DomainError } from '../../common/errors.js';
import { type OwnerId, parseProjectId } from '../../common/ids.js';
import { normalizeEmail } from '../../http/validation/email.js';
import { invalidToken } from '../auth.errors.js';
import type { Caller } from '../caller.js';
import type { Verified } from './recent-tokens.js';

/**
 * Header fields read before verification. Excludes `jwk`, `jku`, `x5u` and `x5c`: a token can't bring its own
 * key.
 */
export interface TokenHeader {
  alg: string;
  kid?: string;
  /** Lower case, without the optional prefix `application/` (RFC 7515). */
  typ?: string;
}

const MAX_TOKEN_LENGTH = 8192;
const COMPACT_FORM = /^([\w-]+)\.[\w-]+\.([\w-]+)$/;

/** @throws DomainError unless the token is a compact JWS of limited size without critical extensions */
export function readTokenHeader(token: string): TokenHeader {
  if (token.length > MAX_TOKEN_LENGTH)
    throw invalidToken(`The access token is longer than ${MAX_TOKEN_LENGTH} characters.`);
  const [, header = '', signature = ''] = COMPACT_FORM.exec(token) ?? [];
  const { alg, kid, typ, crit } = parseJsonObject(header);
  const isWellFormed =
    typeof alg === 'string' && isOptionalString(kid) && isOptionalString(typ) && isCanonical(signature);
  if (!isWellFormed) throw invalidToken('The access token is malformed.');
  if (crit !== undefined)
    throw invalidToken('The access token asks for an extension that is not supported here.');
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

/** Rejects alternative spellings of a signature: Node's decoder ignores spare bits of the last character. */
function isCanonical(encoded: string): boolean {
  return Buffer.from(encoded, 'base64url').toString('base64url') === encoded;
}

export interface ClaimRules {
  /** Required value of the claim `type`, where tokens have one. */
  type?: string;
  developerScope?: string;
  operatorScope?: string;
}

/**
 * 1 to 255 code points without control characters or lone surrogates, which a database may refuse or change.
 * U+FFFD is refused, because different subjects with invalid UTF-8 would become equal. Clients shorten
 * `/members/..` to the URL of the project itself, even if the dots are encoded.
 */
export const SUBJECT = /^(?!\.{1,2}$)[^\p{Cc}\p{Cs}\uFFFD]{1,255}$/u;
export const SUBJECT_RULE = '1 to 255 characters without control characters, and neither . nor ..';

/**
 * Derives the caller from the claims of a token that passed all other checks.
 * @throws DomainError if a claim is missing or malformed
 */
export function callerFrom(claims: JwtPayload, rules: ClaimRules): Caller {
  const { sub, exp, nbf, iat, type, project_id: projectId }: Record<string, unknown> = claims;
  if (typeof exp !== 'number') throw invalidToken('The access token has no expiry time.');
  // JSON numbers such as 1e999 become Infinity: such a token would never expire.
  const isTime = (claim: unknown) => claim === undefined || Number.isFinite(claim);
  if (![exp, nbf, iat].every(isTime))
    throw invalidToken('A time in the access token is not a finite number.');
  if (rules.type !== undefined && type !== rules.type)
    throw invalidToken('The token is not an access token.');
  if (!isSubject(sub)) throw invalidToken('The subject of the access token is missing or not acceptable.');
  if (projectId !== undefined && projectId !== null) {
    return {
      kind: 'end_user',
      sub,
      projectId: typeof projectId === 'string' ? parseProjectId(projectId) : undefined,
    };
  }
  const { developerScope, operatorScope } = rules;
  const scopes = scopesOf(claims);
  const isOperator = operatorScope !== undefined && scopes.includes(operatorScope);
  if (!isOperator && developerScope !== undefined && !scopes.includes(developerScope))
    return { kind: 'unscoped', sub, missingScope: developerScope };
  const { sid, email, email_verified: isVerified }: Record<string, unknown> = claims;
  return {
    kind: 'developer',
    sub,
    ...(typeof sid === 'string' && { sessionId: sid }),
    ...(isOperator && { isOperator }),
    ...(isVerified === true && isAddress(email) && { email }),
  };
}

function isSubject(sub: unknown): sub is OwnerId {
  return typeof sub === 'string' && SUBJECT.test(sub);
}

function isAddress(email: unknown): email is string {
  return typeof email === 'string' && normalizeEmail(email) !== undefined;
}

/** Reads `scope` (RFC 8693), or `scp`, which some authorization servers send instead. */
function scopesOf({ scope, scp }: JwtPayload): unknown[] {
  return [scope, scp].flatMap((claim: unknown) => (typeof claim === 'string' ? claim.split(' ') : claim));
}

/** Rules for the verification of one token. */
export interface TokenRules {
  /** Candidates: one of them must have signed the token. */
  keys: readonly KeyObject[];
  algorithms: jwt.Algorithm[];
  issuer?: string;
  audience?: string;
  /** Derives the caller from verified claims. @throws DomainError */
  callerOf: (claims: JwtPayload) => Caller;
}

/** Leeway for clock skew between the issuer of a token and this process. */
const LEEWAY_SECONDS = 5;

type Done = (refusal: DomainError | null, verified?: Verified) => void;

/** Our messages for the errors of jsonwebtoken and jose. */
const REASONS: [RegExp, string][] = [
  [/^invalid algorithm/, 'The access token is signed with an algorithm that is not accepted here.'],
  [/signature/, 'The signature of the access token is wrong.'],
  [/^jwt expired|^"exp" claim timestamp/, 'The access token has expired.'],
  [/^jwt not active|^"nbf" claim timestamp/, 'The access token is not valid yet.'],
  [/^jwt issuer|"iss" claim/, 'The access token comes from another issuer.'],
  [/^jwt audience|"aud" claim/, 'The access token is meant for another audience.'],
];

/**
 * Checks the signature, `exp` and `nbf` with a leeway, and `iss` and `aud` if configured.
 * passport-jwt's verifier lacks EdDSA, and throws outside its callback for a `null` payload.
 */
export function verifyToken(token: string, rules: TokenRules, _options: unknown, done: Done): void {
  claimsOf(token, rules)
    .then((claims) => ({
      caller: rules.callerOf(claims),
      expiresAt: (Number(claims.exp) + LEEWAY_SECONDS) * 1_000,
    }))
    .then(
      (verified) => done(null, verified),
      (error) => done(error instanceof DomainError ? error : invalidToken(reasonOf(error))),
    );
}

/** Tries the next key only after a wrong signature; other failures are final. */
async function claimsOf(token: string, rules: TokenRules): Promise<JwtPayload> {
  const [key, ...others] = rules.keys;
  if (!key) throw new Error('There is no key to check the signature with.');
  try {
    return await claimsBy(key, token, rules);
  } catch (error) {
    if (others.length === 0 || !isWrongSignature(error)) throw error;
    return claimsOf(token, { ...rules, keys: others });
  }
}

function isWrongSignature(error: unknown): boolean {
  return error instanceof Error && /signature/.test(error.message);
}

async function claimsBy(
  key: KeyObject,
  token: string,
  { algorithms, issuer, audience }: TokenRules,
): Promise<JwtPayload> {
  if (key.asymmetricKeyType === 'ed25519') {
    return (
      await jwtVerify(token, key, { algorithms: ['EdDSA'], issuer, audience, clockTolerance: LEEWAY_SECONDS })
    ).payload;
  }
  const claims = jwt.verify(token, key, { algorithms, issuer, audience, clockTolerance: LEEWAY_SECONDS });
  if (typeof claims === 'string') throw new Error('The payload is not a JSON object.');
  return claims;
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  return REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? 'The access token is not valid.';
}
