import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { AccessTokens } from '../../config/settings.js';
import { invalidToken } from '../auth.errors.js';
import { JwksKeys } from './jwks-keys.js';
import { mediaType, type TokenHeader } from './verify-token.js';

const SIGNING_ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

export function isSigningAlgorithm(name: string): name is SigningAlgorithm {
  return SIGNING_ALGORITHMS.some((algorithm) => algorithm === name);
}

/** A public key, and the only algorithm that its type allows. */
export interface VerificationKey {
  id?: string;
  algorithm: SigningAlgorithm;
  publicKey: KeyObject;
}

const MIN_RSA_BITS = 2048;

/** @returns the usable keys of a JWK Set; others are skipped (RFC 7517) */
export function verificationKeys(jwks: unknown): VerificationKey[] {
  if (!isObject(jwks) || !Array.isArray(jwks.keys)) return [];
  return jwks.keys.flatMap((jwk: unknown) =>
    isObject(jwk) && isForSignatures(jwk) ? (verificationKey(jwk) ?? []) : [],
  );
}

function verificationKey(jwk: JsonWebKey): VerificationKey | undefined {
  const publicKey = parsePublicKey(jwk);
  const algorithm = publicKey && algorithmOf(publicKey);
  if (!algorithm || (jwk.alg !== undefined && jwk.alg !== algorithm)) return undefined;
  return { id: typeof jwk.kid === 'string' ? jwk.kid : undefined, algorithm, publicKey };
}

function parsePublicKey(jwk: JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined;
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): SigningAlgorithm | undefined {
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS)
    return 'RS256';
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  return asymmetricKeyType === 'ed25519' ? 'EdDSA' : undefined;
}

/** Rejects a key whose private part (`d`) was published. */
function isForSignatures({ use, key_ops: operations, d }: JsonWebKey): boolean {
  const mayVerify = operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
  return (use === undefined || use === 'sig') && mayVerify && d === undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Finds candidate keys for a token's signature. @throws DomainError if the token must be refused */
export type KeySource = (header: TokenHeader) => Promise<readonly KeyObject[]>;

export function keySource(tokens: AccessTokens): KeySource {
  return tokens.kind === 'hs256'
    ? sharedSecrets(tokens.secrets.map((secret) => secret.reveal()))
    : publishedKeys(new JwksKeys(tokens.uri), tokens.acceptTyp);
}

function sharedSecrets(secrets: readonly string[]): KeySource {
  // Parses the secrets once: for a string, jsonwebtoken would parse it for each token, which is fifty times
  // slower.
  const keys = secrets.map((secret) => createSecretKey(secret, 'utf8'));
  return async () => keys;
}

function publishedKeys(keys: JwksKeys, acceptTyp: string[]): KeySource {
  const acceptedTypes = acceptTyp.map(mediaType);
  return async ({ alg, kid, typ }) => {
    if (typ === undefined || !acceptedTypes.includes(typ))
      throw invalidToken('The access token has a typ that is not accepted here.');
    // Precedes the lookup, so that an unsupported algorithm triggers no fetch.
    if (!isSigningAlgorithm(alg))
      throw invalidToken('The access token is signed with an algorithm that is not accepted here.');
    const key = await keys.find(alg, kid);
    if (!key) throw invalidToken('The access token is signed with an unknown key.');
    return [key];
  };
}
