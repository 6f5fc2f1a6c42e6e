import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** The HS256 secret of the tests. */
export const TOKEN_SECRET = 'nobody outside of the tests may use this';
export const ISSUER = 'https://issuer.test';
export const AUDIENCE = 'https://api.test';

/** A claim or header that is `undefined` is left out. */
export type Claims = Record<string, unknown>;

export function secondsFromNow(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** Any compact JWS, including invalid ones. A string is used unchanged, everything else as JSON. */
export function compactJws(header: unknown, payload: unknown, signer: (input: Buffer) => Buffer): string {
  const input = [header, payload].map(encode).join('.');
  return `${input}.${signer(Buffer.from(input)).toString('base64url')}`;
}

function encode(part: unknown): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

export function hmacSha256(secret: string | Buffer): (input: Buffer) => Buffer {
  return (input) => createHmac('sha256', secret).update(input).digest();
}

/** Outlasts a suite, whose specs may all make their tokens when it begins. */
const VALID_SECONDS = 7_200;

/** An HS256 access token: a developer's, unless the claims say otherwise. */
export function accessToken(claims: Claims = {}, header: Claims = {}): string {
  const defaults = { sub: 'developer-1', type: 'access', exp: secondsFromNow(VALID_SECONDS) };
  return compactJws(
    { alg: 'HS256', typ: 'JWT', ...header },
    { ...defaults, ...claims },
    hmacSha256(TOKEN_SECRET),
  );
}

export function endUserToken(projectId: string, sub = 'user-1'): string {
  return accessToken({ sub, project_id: projectId });
}

type Algorithm = 'RS256' | 'ES256' | 'EdDSA';

/** One signing key of an authorization server. */
export class SigningKey {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;

  constructor(
    readonly algorithm: Algorithm,
    readonly id?: string,
  ) {
    const { publicKey, privateKey } = generateKeyPair(algorithm);
    this.publicKey = publicKey;
    this.privateKey = privateKey;
  }

  /** The public JWK as an authorization server publishes it. */
  get jwk(): Claims {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.id, alg: this.algorithm, use: 'sig' };
  }

  /** A developer's access token (RFC 9068), unless the claims say otherwise. */
  token(claims: Claims = {}, header: Claims = {}): string {
    const defaults = { iss: ISSUER, aud: AUDIENCE, sub: 'developer-1', exp: secondsFromNow(VALID_SECONDS) };
    return compactJws(
      { alg: this.algorithm, typ: 'at+jwt', kid: this.id, ...header },
      { ...defaults, ...claims },
      (input) => this.sign(input),
    );
  }

  sign(input: Buffer): Buffer {
    const digest = this.algorithm === 'EdDSA' ? null : 'sha256';
    return sign(digest, input, { key: this.privateKey, dsaEncoding: 'ieee-p1363' });
  }
}

function generateKeyPair(algorithm: Algorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  return algorithm === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('ed25519');
}
