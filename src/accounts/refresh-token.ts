import { createHash, randomBytes } from 'node:crypto';

const FORM = /^tkrt_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_[\w-]{43}$/;

/** A new refresh token: opaque, 256 random bits after the id of the session that it goes on with. */
export function newRefreshToken(sessionId: string): string {
  return `tkrt_${sessionId}_${randomBytes(32).toString('base64url')}`;
}

/** @returns the id of the session that the token names; `undefined` when it can't be a refresh token */
export function sessionIdOf(token: string): string | undefined {
  return FORM.exec(token)?.[1];
}

/** All that is stored of a token. It has too many random bits to be guessed, so that a fast hash does. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
