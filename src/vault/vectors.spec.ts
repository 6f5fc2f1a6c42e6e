import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Secret } from '../common/secret.js';
import { DataKey } from './keys/data-key.js';
import { fingerprint } from './seal/cipher.js';
import { deriveKey } from './keys/data-key.js';
import { lengthPrefixed } from './seal/cipher.js';
import { LocalKeyWrapper } from './wrappers/local-key-wrapper.js';
import { unseal, sealWithNonce, type SealedText } from './seal/seal.js';

/** The table of docs/vault.md, so that the page can't say anything else than the code does. */
const documented = new Map(
  [...readFileSync('docs/vault.md', 'utf8').matchAll(/^\| ([^|`]+?) +\| `([^`]+)` +\|$/gm)].map(
    ([, what, value]) => [what, value],
  ),
);

function vector(what: string): string {
  const value = documented.get(what);
  if (value === undefined) throw new Error(`docs/vault.md has no test vector "${what}".`);
  return value;
}

const bytes = (what: string) => Buffer.from(vector(what), 'hex');
const context = { purpose: vector('purpose'), tenant: vector('tenant'), field: vector('field') };
const sealKey = new DataKey(vector('key id'), 'seal', bytes('seal data key'));
const fingerprintKey = new DataKey('examplekey02', 'fingerprint', bytes('fingerprint data key'));

describe('the test vectors of docs/vault.md', () => {
  it('derive the keys of a tenant', () => {
    expect(lengthPrefixed('seal', context.tenant)).toEqual(bytes('info of the seal key'));
    expect(deriveKey(createSecretKey(bytes('seal data key')), 'seal', context.tenant).export()).toEqual(
      bytes("tenant's seal key"),
    );
    expect(sealKey.forTenant(context.tenant).export()).toEqual(bytes("tenant's seal key"));
    expect(fingerprintKey.forTenant(context.tenant).export()).toEqual(bytes("tenant's fingerprint key"));
  });

  it('make the authenticated data', () => {
    const { purpose, tenant, field } = context;
    expect(lengthPrefixed('tk1', vector('key id'), purpose, tenant, field)).toEqual(
      bytes('authenticated data'),
    );
  });

  it('seal the plaintext', () => {
    const sealed = sealWithNonce(sealKey, context, new Secret(vector('plaintext')), bytes('nonce'));
    expect(sealed).toBe(vector('sealed'));
    const body = Buffer.concat([bytes('nonce'), bytes('ciphertext'), bytes('tag')]);
    expect(sealed).toBe(`tk1.${vector('key id')}.${body.toString('base64url')}`);
  });

  it('unseal to the plaintext', () => {
    expect(unseal(sealKey, context, vector('sealed') as SealedText).reveal()).toBe(vector('plaintext'));
  });

  it('fingerprint the plaintext', () => {
    const print = fingerprint(fingerprintKey, context.tenant, vector('label'), vector('plaintext'));
    expect(print).toBe(vector('fingerprint of the plaintext'));
  });

  it('unwrap the data key', async () => {
    const wrapper = new LocalKeyWrapper(bytes('master key'));
    expect(wrapper.masterKeyId).toBe(vector('master key id'));
    const unwrapped = await wrapper.unwrap(
      vector('seal data key, wrapped with the same nonce'),
      vector('key id'),
    );
    expect(unwrapped).toEqual(bytes('seal data key'));
  });
});
