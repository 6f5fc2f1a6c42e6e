import { createSecretKey, type KeyObject } from 'node:crypto';
import type { AccessTokens } from '../config/settings.js';
import { JwksKeys } from './jwks-keys.js';
import { invalidToken } from './refusals.js';
import { mediaType, type TokenHeader } from './token-header.js';
import { isSigningAlgorithm } from './verification-key.js';

/** Finds the keys of which one has to have signed a token, or throws the DomainError that refuses the token. */
export type KeySource = (header: TokenHeader) => Promise<readonly KeyObject[]>;

export function keySource(tokens: AccessTokens): KeySource {
  return tokens.kind === 'hs256'
    ? sharedSecrets(tokens.secrets.map((secret) => secret.reveal()))
    : publishedKeys(new JwksKeys(tokens.uri), tokens.acceptTyp);
}

function sharedSecrets(secrets: readonly string[]): KeySource {
  // jsonwebtoken would parse a string anew for each token, at fifty times the cost.
  const keys = secrets.map((secret) => createSecretKey(secret, 'utf8'));
  return async () => keys;
}

function publishedKeys(keys: JwksKeys, acceptTyp: string[]): KeySource {
  const acceptedTypes = acceptTyp.map(mediaType);
  return async ({ alg, kid, typ }) => {
    if (typ === undefined || !acceptedTypes.includes(typ)) throw invalidToken('The access token has a typ that is not accepted here.');
    // Before the lookup, so that a made-up algorithm causes no fetch.
    if (!isSigningAlgorithm(alg)) throw invalidToken('The access token is signed with an algorithm that is not accepted here.');
    const key = await keys.find(alg, kid);
    if (!key) throw invalidToken('The access token is signed with an unknown key.');
    return [key];
  };
}
