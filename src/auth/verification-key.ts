import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

const SIGNING_ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

export function isSigningAlgorithm(name: string): name is SigningAlgorithm {
  return SIGNING_ALGORITHMS.some((algorithm) => algorithm === name);
}

/** A public key and the one algorithm that its kind allows. */
export interface VerificationKey {
  id?: string;
  algorithm: SigningAlgorithm;
  publicKey: KeyObject;
}

const MIN_RSA_BITS = 2048;

/** @returns the usable keys of a JWK Set (RFC 7517); whatever else it holds is skipped, as the RFC asks */
export function verificationKeys(jwks: unknown): VerificationKey[] {
  if (!isObject(jwks) || !Array.isArray(jwks.keys)) return [];
  return jwks.keys.flatMap((jwk: unknown) => (isObject(jwk) && isForSignatures(jwk) ? (verificationKey(jwk) ?? []) : []));
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
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS) return 'RS256';
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  return asymmetricKeyType === 'ed25519' ? 'EdDSA' : undefined;
}

/** A key whose private part (`d`) is published is anybody's key. */
function isForSignatures({ use, key_ops: operations, d }: JsonWebKey): boolean {
  const mayVerify = operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
  return (use === undefined || use === 'sig') && mayVerify && d === undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
