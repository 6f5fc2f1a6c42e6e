import { jwtVerify } from 'jose/jwt/verify';
import jwt, { type JwtPayload } from 'jsonwebtoken';
import type { KeyObject } from 'node:crypto';
import { DomainError } from '../common/errors.js';
import type { Caller } from './caller.js';
import type { Verified } from './recent-tokens.js';
import { invalidToken } from './refusals.js';

/** What one token is judged by. */
export interface TokenRules {
  /** One of them signed it. */
  keys: readonly KeyObject[];
  algorithms: jwt.Algorithm[];
  issuer?: string;
  audience?: string;
  /** Who is calling, by claims that have passed the rules above. @throws DomainError */
  callerOf: (claims: JwtPayload) => Caller;
}

/** Leeway for clock skew between the issuer of a token and this process. */
const LEEWAY_SECONDS = 5;

type Done = (refusal: DomainError | null, verified?: Verified) => void;

/** What jsonwebtoken and jose say, and what we say for both. */
const REASONS: [RegExp, string][] = [
  [/^invalid algorithm/, 'The access token is signed with an algorithm that is not accepted here.'],
  [/signature/, 'The signature of the access token is wrong.'],
  [/^jwt expired|^"exp" claim timestamp/, 'The access token has expired.'],
  [/^jwt not active|^"nbf" claim timestamp/, 'The access token is not valid yet.'],
  [/^jwt issuer|"iss" claim/, 'The access token comes from another issuer.'],
  [/^jwt audience|"aud" claim/, 'The access token is meant for another audience.'],
];

/**
 * Checks a token's signature, `exp` and `nbf` (with a leeway), and `iss` and `aud` when they are given. It stands in for passport-jwt's own verifier,
 * which is jsonwebtoken as it comes: that knows no EdDSA, and throws past its callback when the payload is `null`.
 */
export function verifyToken(token: string, rules: TokenRules, _options: unknown, done: Done): void {
  claimsOf(token, rules)
    .then((claims) => ({ caller: rules.callerOf(claims), expiresAt: (Number(claims.exp) + LEEWAY_SECONDS) * 1_000 }))
    .then(
      (verified) => done(null, verified),
      (error) => done(error instanceof DomainError ? error : invalidToken(reasonOf(error))),
    );
}

/** By the first key that the signature fits; what a fitting key signed is not tried with another. */
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

async function claimsBy(key: KeyObject, token: string, { algorithms, issuer, audience }: TokenRules): Promise<JwtPayload> {
  if (key.asymmetricKeyType === 'ed25519') {
    return (await jwtVerify(token, key, { algorithms: ['EdDSA'], issuer, audience, clockTolerance: LEEWAY_SECONDS })).payload;
  }
  const claims = jwt.verify(token, key, { algorithms, issuer, audience, clockTolerance: LEEWAY_SECONDS });
  if (typeof claims === 'string') throw new Error('The payload is not a JSON object.');
  return claims;
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  return REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? 'The access token is not valid.';
}
