import { jwtVerify } from 'jose/jwt/verify';
import jwt, { type JwtPayload } from 'jsonwebtoken';
import type { KeyObject } from 'node:crypto';
import type { DomainError } from '../common/errors.js';
import { invalidToken } from './refusals.js';

interface VerifyRules {
  algorithms: jwt.Algorithm[];
  issuer?: string;
  audience?: string;
}

type Done = (refusal: DomainError | null, claims?: JwtPayload) => void;

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
 * Checks a token's signature, `exp` and `nbf`, and `iss` and `aud` when they are given. It stands in for passport-jwt's own verifier,
 * which is jsonwebtoken as it comes: that knows no EdDSA, and throws past its callback when the payload is `null`.
 */
export function verifyToken(token: string, key: KeyObject, rules: VerifyRules, done: Done): void {
  claimsOf(token, key, rules).then(
    (claims) => done(null, claims),
    (error) => done(invalidToken(reasonOf(error))),
  );
}

async function claimsOf(token: string, key: KeyObject, rules: VerifyRules): Promise<JwtPayload> {
  if (key.asymmetricKeyType === 'ed25519') {
    const { issuer, audience } = rules;
    return (await jwtVerify(token, key, { algorithms: ['EdDSA'], issuer, audience })).payload;
  }
  const claims = jwt.verify(token, key, rules);
  if (typeof claims === 'string') throw new Error('The payload is not a JSON object.');
  return claims;
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  return REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? 'The access token is not valid.';
}
