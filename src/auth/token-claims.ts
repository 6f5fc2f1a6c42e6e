import type { JwtPayload } from 'jsonwebtoken';
import { type OwnerId, parseProjectId } from '../common/ids.js';
import type { Caller } from './caller.js';
import { invalidToken } from './refusals.js';

export interface ClaimRules {
  /** What the claim `type` must say, where tokens carry one. */
  type?: string;
  developerScope?: string;
}

/**
 * 1 to 255 code points that every database keeps as they are: no control characters (NUL), no lone surrogates. Nor U+FFFD, which is
 * what bytes that aren't UTF-8 turn into: different subjects would become equal.
 */
export const SUBJECT = /^[^\p{Cc}\p{Cs}\uFFFD]{1,255}$/u;
export const SUBJECT_RULE = '1 to 255 characters without control characters';

/**
 * Reads who is calling from the claims of a token whose signature, issuer, audience and times have been checked.
 * @throws DomainError when a claim is missing or has the wrong form
 */
export function callerFrom(claims: JwtPayload, rules: ClaimRules): Caller {
  const { sub, exp, nbf, iat, type, project_id: projectId }: Record<string, unknown> = claims;
  if (typeof exp !== 'number') throw invalidToken('The access token has no expiry time.');
  // JSON has numbers that become Infinity: a token with 1e999 would never expire.
  const isTime = (claim: unknown) => claim === undefined || Number.isFinite(claim);
  if (![exp, nbf, iat].every(isTime)) throw invalidToken('A time in the access token is not a finite number.');
  if (rules.type !== undefined && type !== rules.type) throw invalidToken('The token is not an access token.');
  if (!isSubject(sub)) throw invalidToken('The subject of the access token is missing or not acceptable.');
  if (projectId !== undefined && projectId !== null) {
    return { kind: 'end_user', sub, projectId: typeof projectId === 'string' ? parseProjectId(projectId) : undefined };
  }
  if (rules.developerScope !== undefined && !scopesOf(claims).includes(rules.developerScope)) {
    return { kind: 'unscoped', sub, missingScope: rules.developerScope };
  }
  const { sid }: Record<string, unknown> = claims;
  return typeof sid === 'string' ? { kind: 'developer', sub, sessionId: sid } : { kind: 'developer', sub };
}

function isSubject(sub: unknown): sub is OwnerId {
  return typeof sub === 'string' && SUBJECT.test(sub);
}

/** `scope` is RFC 8693's claim, a list in one string; `scp` is what some authorization servers send instead. */
function scopesOf({ scope, scp }: JwtPayload): unknown[] {
  return [scope, scp].flatMap((claim: unknown) => (typeof claim === 'string' ? claim.split(' ') : claim));
}
