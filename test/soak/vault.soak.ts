import { randomBytes } from 'node:crypto';
import { Secret } from '../../src/common/secret.js';
import { Keyring } from '../../src/vault/keys/keyring.js';
import { LocalKeyWrapper } from '../../src/vault/wrappers/local-key-wrapper.js';
import { MasterKeys } from '../../src/vault/wrappers/master-keys.js';
import { dataKeyRow } from '../harness/vault/data-key-row.factory.js';
import { InMemoryDataKeyStore } from '../harness/vault/in-memory-data-key-store.js';
import { mutations, thoseThatOpen } from '../harness/vault/seal-mutations.js';

const LIMIT_MS = 30 * 60_000;

const context = {
  purpose: 'stripe-credential',
  tenant: '11111111-2222-4333-8444-555555555555',
  field: 'test_secret_key',
};
const otherContext = {
  purpose: 'stripe-credential',
  tenant: '22222222-2222-4333-8444-555555555555',
  field: 'live_secret_key',
};

async function keyringWithTwoSealKeys() {
  const store = new InMemoryDataKeyStore();
  const wrapper = new LocalKeyWrapper(randomBytes(32));
  const keyring = new Keyring(store, new MasterKeys(wrapper));
  await keyring.load();
  const second = await dataKeyRow(wrapper);
  store.rows.push(second);
  await keyring.load();
  return { keyring, second };
}

it(
  'unseals none of 1,000,000 altered seals',
  async () => {
    const { keyring, second } = await keyringWithTwoSealKeys();
    let made = 0;
    // Plaintexts of every length modulo 3, so that base64url ends in each of its ways.
    for (let round = 0; round < 100; round += 1) {
      const secret = new Secret(`sk_test_${'a'.repeat(1 + 5 * round)}`);
      const original = { context, sealed: keyring.seal(context, secret).sealed };
      const other = { context: otherContext, sealed: keyring.seal(otherContext, secret).sealed };
      const altered = [...mutations(10_000, original, other, [second.id, 'unknownkey01'])];
      expect(await thoseThatOpen(keyring, altered)).toEqual([]);
      expect((await keyring.unseal(context, original.sealed)).reveal()).toBe(secret.reveal());
      made += altered.length;
    }
    expect(made).toBe(1_000_000);
  },
  LIMIT_MS,
);

it(
  'seals one secret 100,000 times with 100,000 different nonces',
  async () => {
    const { keyring } = await keyringWithTwoSealKeys();
    const secret = new Secret('sk_test_aaaaaaaaaaaaaaaaaaaaaaaa');
    const nonces = new Set<string>();
    for (let sealed = 0; sealed < 100_000; sealed += 1) {
      const [, , body = ''] = keyring.seal(context, secret).sealed.split('.');
      nonces.add(Buffer.from(body, 'base64url').toString('hex', 0, 12));
    }
    expect(nonces.size).toBe(100_000);
  },
  LIMIT_MS,
);
