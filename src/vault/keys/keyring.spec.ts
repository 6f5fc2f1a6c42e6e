import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import { dataKeyRow } from '../../../test/harness/vault/data-key-row.factory.js';
import { InMemoryDataKeyStore } from '../../../test/harness/vault/in-memory-data-key-store.js';
import { mutations, thoseThatOpen } from '../../../test/harness/vault/seal-mutations.js';
import { Secret } from '../../common/secret.js';
import { historyMac } from '../seal/cipher.js';
import { DataKey } from './data-key.js';
import { DATA_KEY_PURPOSES } from './data-key.repository.js';
import { fingerprint } from '../seal/cipher.js';
import { WrongMasterKey } from '../wrappers/key-wrapper.js';
import { Keyring } from './keyring.js';
import { LocalKeyWrapper } from '../wrappers/local-key-wrapper.js';
import { MasterKeys } from '../wrappers/master-keys.js';
import { unseal, SealBroken, type SealedText } from '../seal/seal.js';

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
const plaintext = new Secret('sk_test_aaaaaaaaaaaaaaaaaaaaaaaa');

let masterKey: Buffer;
let wrapper: LocalKeyWrapper;
let store: InMemoryDataKeyStore;

beforeEach(() => {
  masterKey = randomBytes(32);
  wrapper = new LocalKeyWrapper(masterKey);
  store = new InMemoryDataKeyStore();
});

async function loaded(): Promise<Keyring> {
  const keyring = new Keyring(store, new MasterKeys(wrapper));
  await keyring.load();
  return keyring;
}

/** A seal by a process that has a newer primary key than this one's store knows. */
async function sealedElsewhere() {
  const elsewhere = new InMemoryDataKeyStore();
  const keyring = new Keyring(elsewhere, new MasterKeys(wrapper));
  await keyring.load();
  const { sealed, keyId } = keyring.seal(context, plaintext);
  const row = await elsewhere.find(keyId);
  if (!row) throw new Error('The other process did not keep its key.');
  return { sealed, row: { ...row, state: 'published' as const } };
}

describe('Keyring.load', () => {
  it('makes the first data key of each purpose, wrapped', async () => {
    await loaded();
    expect(store.rows.map(({ purpose, state }) => [purpose, state])).toEqual(
      DATA_KEY_PURPOSES.map((purpose) => [purpose, 'primary']),
    );
    for (const row of store.rows) {
      expect(row.id).toMatch(/^[a-z0-9]{8,16}$/);
      expect(row.masterKeyId).toBe(wrapper.masterKeyId);
      expect(await wrapper.unwrap(row.wrapped, row.id)).toHaveLength(32);
    }
  });

  it('wipes the buffers of data keys, which are plain text', async () => {
    const masterKeys = new MasterKeys(wrapper);
    const wrap = jest.spyOn(masterKeys, 'wrap');
    const unwrap = jest.spyOn(masterKeys, 'unwrap');
    await new Keyring(store, masterKeys).load();
    const unwrapped = await Promise.all(unwrap.mock.results.map(({ value }) => value as Promise<Buffer>));
    const buffers = [...wrap.mock.calls.map(([dataKey]) => dataKey), ...unwrapped];
    expect(buffers).toHaveLength(2 * DATA_KEY_PURPOSES.length);
    for (const buffer of buffers) expect(buffer).toEqual(Buffer.alloc(32));
  });

  it('uses the stored keys, which are random', async () => {
    const keyring = await loaded();
    const [seals, prints] = await Promise.all(
      store.rows.map(
        async (row) => new DataKey(row.id, row.purpose, await wrapper.unwrap(row.wrapped, row.id)),
      ),
    );
    if (!seals || !prints) throw new Error('There are not two keys.');
    expect(unseal(seals, context, keyring.seal(context, plaintext).sealed).reveal()).toBe(plaintext.reveal());
    expect(fingerprint(prints, 'tenant', 'value', 'a')).toBe(keyring.fingerprint('tenant', 'value', 'a'));
    const zeros = new DataKey(prints.id, 'fingerprint', Buffer.alloc(32));
    expect(fingerprint(zeros, 'tenant', 'value', 'a')).not.toBe(keyring.fingerprint('tenant', 'value', 'a'));
  });

  it('leaves no unwrapped key in a buffer', async () => {
    const buffers: Buffer[] = [];
    const wrap = wrapper.wrap.bind(wrapper);
    const unwrap = wrapper.unwrap.bind(wrapper);
    jest.spyOn(wrapper, 'wrap').mockImplementation((dataKey, id) => {
      buffers.push(dataKey);
      return wrap(dataKey, id);
    });
    jest.spyOn(wrapper, 'unwrap').mockImplementation(async (wrapped, id) => {
      const dataKey = await unwrap(wrapped, id);
      buffers.push(dataKey);
      return dataKey;
    });
    await loaded();
    expect(buffers).toHaveLength(2 * DATA_KEY_PURPOSES.length);
    for (const buffer of buffers) expect(buffer).toEqual(Buffer.alloc(32));
  });

  it('finds the keys again after a restart', async () => {
    const before = await loaded();
    const { sealed } = before.seal(context, plaintext);
    const rows = [...store.rows];
    const after = await loaded();
    expect(store.rows).toEqual(rows);
    expect((await after.unseal(context, sealed)).reveal()).toBe(plaintext.reveal());
    expect(after.fingerprint('tenant', 'value', 'a')).toBe(before.fingerprint('tenant', 'value', 'a'));
  });

  it('makes the missing keys after an interrupted first start', async () => {
    store.rows.push(await dataKeyRow(wrapper, { state: 'primary' }));
    const [first] = store.rows;
    const keyring = await loaded();
    expect(store.rows.map((row) => row.purpose)).toEqual([...DATA_KEY_PURPOSES]);
    expect(keyring.seal(context, plaintext).keyId).toBe(first?.id);
  });

  it('reads the keys once if none is missing, and then is loaded', async () => {
    await loaded();
    const list = jest.spyOn(store, 'list');
    const keyring = new Keyring(store, new MasterKeys(wrapper));
    expect(keyring.isLoaded).toBe(false);
    await keyring.load();
    expect(keyring.isLoaded).toBe(true);
    expect(list).toHaveBeenCalledTimes(1);
  });

  it('uses the same keys as a process that starts at the same time', async () => {
    const [one, two] = await Promise.all([loaded(), loaded()]);
    expect(store.rows).toHaveLength(DATA_KEY_PURPOSES.length);
    const { sealed, keyId } = one.seal(context, plaintext);
    expect(two.seal(context, plaintext).keyId).toBe(keyId);
    expect((await two.unseal(context, sealed)).reveal()).toBe(plaintext.reveal());
    expect(one.fingerprint('tenant', 'value', 'a')).toBe(two.fingerprint('tenant', 'value', 'a'));
    expect(one.signingKey().key.equals(two.signingKey().key)).toBe(true);
  });

  it('refuses a wrong master key and makes no new key', async () => {
    await loaded();
    // With a purpose missing, a keyring that looked there first would make a key under the wrong master key.
    store.rows.pop();
    const rows = [...store.rows];
    const wrong = new LocalKeyWrapper(randomBytes(32));
    const failure = new Keyring(store, new MasterKeys(wrong)).load();
    await expect(failure).rejects.toThrow(WrongMasterKey);
    await expect(failure).rejects.toThrow(wrapper.masterKeyId);
    await expect(failure).rejects.toThrow(wrong.masterKeyId);
    expect(store.rows).toEqual(rows);
  });

  it('refuses to load if a retired key needs another master key', async () => {
    await loaded();
    store.rows.push(await dataKeyRow(new LocalKeyWrapper(randomBytes(32)), { state: 'retired' }));
    await expect(loaded()).rejects.toThrow(WrongMasterKey);
  });

  it('refuses a wrapped key that was moved to another id', async () => {
    await loaded();
    const [row] = store.rows.splice(0, 1);
    if (!row) throw new Error('There is no first row.');
    store.rows.push({ ...row, id: 'examplekey01' });
    await expect(loaded()).rejects.toThrow(WrongMasterKey);
    expect(store.rows).toHaveLength(DATA_KEY_PURPOSES.length);
  });

  it('makes no key if there are keys but none is primary', async () => {
    store.rows.push(await dataKeyRow(wrapper, { state: 'retired' }));
    await expect(loaded()).rejects.toThrow('None of the data keys for the purpose "seal" is primary.');
    expect(store.rows.filter((row) => row.purpose === 'seal')).toHaveLength(1);
  });

  it('reloads changed keys when it runs again', async () => {
    const keyring = await loaded();
    const print = keyring.fingerprint('tenant', 'value', 'a');
    const { sealed } = keyring.seal(context, plaintext);
    for (const row of store.rows) if (row.purpose === 'seal') row.state = 'retired';
    const next = await dataKeyRow(wrapper, { state: 'primary' });
    store.rows.push(next);
    const unwrap = jest.spyOn(wrapper, 'unwrap');
    await keyring.load();
    expect(unwrap).toHaveBeenCalledTimes(1);
    expect(keyring.seal(context, plaintext).keyId).toBe(next.id);
    expect((await keyring.unseal(context, sealed)).reveal()).toBe(plaintext.reveal());
    expect(keyring.fingerprint('tenant', 'value', 'a')).toBe(print);
  });

  it('is required before sealing', () => {
    const keyring = new Keyring(store, new MasterKeys(wrapper));
    expect(() => keyring.seal(context, plaintext)).toThrow('The keyring is not loaded.');
    expect(() => keyring.fingerprint('tenant', 'value', 'a')).toThrow('The keyring is not loaded.');
    expect(() => keyring.signingKey()).toThrow('The keyring is not loaded.');
    expect(keyring.isLoaded).toBe(false);
  });
});

describe('the token keys of Keyring', () => {
  it('are found by their id, including former keys and keys of other processes', async () => {
    const keyring = await loaded();
    const first = keyring.signingKey();
    for (const row of store.rows) if (row.purpose === 'token') row.state = 'retired';
    const next = await dataKeyRow(wrapper, { purpose: 'token', state: 'primary' });
    store.rows.push(next);
    const another = await loaded();
    const second = another.signingKey();
    expect(second.id).toBe(next.id);
    expect(second.key.equals(first.key)).toBe(false);
    expect((await another.verificationKey(first.id))?.equals(first.key)).toBe(true);
    expect((await keyring.verificationKey(second.id))?.equals(second.key)).toBe(true);
  });

  it('are used for no other purpose', async () => {
    const keyring = await loaded();
    const find = jest.spyOn(store, 'find');
    for (const { id, purpose } of store.rows) {
      if (purpose !== 'token') expect(await keyring.verificationKey(id)).toBeUndefined();
    }
    for (const id of ['', 'unknown key', "' OR 1=1 --", 'a'.repeat(17), 'ÄÖÜÄÖÜÄÖÜ'])
      expect(await keyring.verificationKey(id)).toBeUndefined();
    expect(find).not.toHaveBeenCalled();
    expect(await keyring.verificationKey('unknownkey01')).toBeUndefined();
    const sealed = keyring
      .seal(context, plaintext)
      .sealed.replace(/^(\w+)\.\w+/, `$1.${keyring.signingKey().id}`) as SealedText;
    await expect(keyring.unseal(context, sealed)).rejects.toThrow(SealBroken);
  });
});

describe('Keyring.sync', () => {
  it('loads published keys, seals under the new primary key, and lists its keys', async () => {
    const keyring = await loaded();
    const own = store.rows.map(({ id }) => id);
    const former = keyring.seal(context, plaintext);
    const next = await dataKeyRow(wrapper);
    store.rows.push(next);
    expect(await keyring.sync()).toEqual({
      primary: former.keyId,
      held: [...own, next.id].sort(),
      missing: [],
    });
    for (const row of store.rows) if (row.id === former.keyId) row.state = 'superseded';
    next.state = 'primary';
    expect(await keyring.sync()).toMatchObject({ primary: next.id });
    expect(keyring.seal(context, plaintext).keyId).toBe(next.id);
    expect((await keyring.unseal(context, former.sealed)).reveal()).toBe(plaintext.reveal());
  });

  it('continues with its keys when a key can not be unwrapped, and retries', async () => {
    const keyring = await loaded();
    const { keyId } = keyring.seal(context, plaintext);
    for (const row of store.rows) if (row.id === keyId) row.state = 'superseded';
    const next = await dataKeyRow(wrapper, { state: 'primary' });
    store.rows.push(next);
    const unwrap = jest.spyOn(wrapper, 'unwrap').mockRejectedValueOnce(new Error('The provider is away.'));
    expect(await keyring.sync()).toMatchObject({ primary: keyId, missing: [next.id] });
    expect(keyring.seal(context, plaintext).keyId).toBe(keyId);
    expect(await keyring.sync()).toMatchObject({ primary: next.id, missing: [] });
    expect(unwrap).toHaveBeenCalledTimes(2);
  });
});

describe('Keyring.withCurrentKey', () => {
  const violation = (code: string) => Object.assign(new Error('refused'), { code });

  async function withRetiredKey() {
    const keyring = await loaded();
    const { keyId } = keyring.seal(context, plaintext);
    for (const row of store.rows) if (row.id === keyId) row.state = 'retired';
    store.rows.push(await dataKeyRow(wrapper, { state: 'primary' }));
    const write = jest.fn(async () => {
      const { keyId: usedId } = keyring.seal(context, plaintext);
      if (usedId === keyId) throw violation('23503');
      return usedId;
    });
    return { keyring, keyId, write };
  }

  it('seals and stores again under the current key when the database refuses a retired one', async () => {
    const { keyring, keyId, write } = await withRetiredKey();
    expect(await keyring.withCurrentKey(write)).not.toBe(keyId);
    expect(write).toHaveBeenCalledTimes(2);
  });

  it('loads the current key first if the last look is more than ten seconds ago', async () => {
    const { keyring, keyId, write } = await withRetiredKey();
    const now = performance.now();
    const clock = jest.spyOn(performance, 'now').mockReturnValue(now + 11_000);
    expect(await keyring.withCurrentKey(write)).not.toBe(keyId);
    expect(write).toHaveBeenCalledTimes(1);
    clock.mockRestore();
  });

  it('rethrows any other error, including those of other foreign keys', async () => {
    const keyring = await loaded();
    for (const code of ['23505', '23503', 'SQLITE_CONSTRAINT_FOREIGNKEY']) {
      const write = jest.fn(() => Promise.reject(violation(code)));
      await expect(keyring.withCurrentKey(write)).rejects.toThrow('refused');
      expect(write).toHaveBeenCalledTimes(1);
    }
  });
});

describe('Keyring with several master keys', () => {
  it('unwraps with each of them, and wraps new keys with the first', async () => {
    const former = await loaded();
    const { sealed } = former.seal(context, plaintext);
    const next = new LocalKeyWrapper(randomBytes(32));
    // The first start under both was cut short before.
    store.rows.splice(1);
    const keyring = new Keyring(store, new MasterKeys(next, wrapper));
    await keyring.load();
    expect(store.rows.map(({ masterKeyId }) => masterKeyId)).toEqual([
      wrapper.masterKeyId,
      ...DATA_KEY_PURPOSES.slice(1).map(() => next.masterKeyId),
    ]);
    expect((await keyring.unseal(context, sealed)).reveal()).toBe(plaintext.reveal());
  });
});

describe('Keyring.unseal', () => {
  it('returns the sealed value as a Secret', async () => {
    const keyring = await loaded();
    const { sealed, keyId } = keyring.seal(context, plaintext);
    const find = jest.spyOn(store, 'find');
    const opened = await keyring.unseal(context, sealed);
    expect(find).not.toHaveBeenCalled();
    expect(sealed.startsWith(`tk1.${keyId}.`)).toBe(true);
    expect(opened).toBeInstanceOf(Secret);
    expect(opened.reveal()).toBe(plaintext.reveal());
  });

  it('unseals no altered text', async () => {
    const keyring = await loaded();
    const second = await dataKeyRow(wrapper);
    store.rows.push(second);
    await keyring.load();
    const original = { context, sealed: keyring.seal(context, plaintext).sealed };
    const other = {
      context: otherContext,
      sealed: keyring.seal(otherContext, new Secret('sk_live_bbbbbbbb')).sealed,
    };
    const fingerprintKeyId = store.rows.find((row) => row.purpose === 'fingerprint')?.id ?? '';
    const altered = [...mutations(5_000, original, other, [second.id, fingerprintKeyId, 'unknownkey01'])];
    expect(altered).toHaveLength(5_000);
    for (const { context: where, sealed } of altered)
      expect({ context: where, sealed }).not.toEqual(original);
    expect(await thoseThatOpen(keyring, altered)).toEqual([]);
    expect((await keyring.unseal(context, original.sealed)).reveal()).toBe(plaintext.reveal());
  });

  it('loads a key of another process once for concurrent calls', async () => {
    const keyring = await loaded();
    const { sealed, row } = await sealedElsewhere();
    store.rows.push(row);
    const find = jest.spyOn(store, 'find');
    const opened = await Promise.all(Array.from({ length: 10 }, () => keyring.unseal(context, sealed)));
    for (const secret of opened) expect(secret.reveal()).toBe(plaintext.reveal());
    await keyring.unseal(context, sealed);
    expect(find).toHaveBeenCalledTimes(1);
  });

  it('queries an unknown key id once, and again only after a while', async () => {
    const keyring = await loaded();
    const { sealed, row } = await sealedElsewhere();
    const find = jest.spyOn(store, 'find');
    const answers = await Promise.allSettled([
      keyring.unseal(context, sealed),
      keyring.unseal(context, sealed),
    ]);
    for (const answer of answers) expect(answer).toEqual({ status: 'rejected', reason: new SealBroken() });
    store.rows.push(row);
    await expect(keyring.unseal(context, sealed)).rejects.toThrow(SealBroken);
    expect(find).toHaveBeenCalledTimes(1);
    // The cache reads its clock at most once a millisecond, so that one has to pass.
    await setTimeout(5);
    const later = performance.now() + 10_000;
    const clock = jest.spyOn(performance, 'now').mockReturnValue(later);
    try {
      expect((await keyring.unseal(context, sealed)).reveal()).toBe(plaintext.reveal());
      expect(find).toHaveBeenCalledTimes(2);
    } finally {
      clock.mockRestore();
    }
  });

  it('rethrows an error of the store, and queries again afterwards', async () => {
    const keyring = await loaded();
    const { sealed, row } = await sealedElsewhere();
    store.rows.push(row);
    jest.spyOn(store, 'find').mockRejectedValueOnce(new Error('The database is gone.'));
    await expect(keyring.unseal(context, sealed)).rejects.toThrow('The database is gone.');
    expect((await keyring.unseal(context, sealed)).reveal()).toBe(plaintext.reveal());
  });

  it('does not query malformed key ids', async () => {
    const keyring = await loaded();
    const find = jest.spyOn(store, 'find');
    for (const text of [
      '',
      'tk1',
      'tk1..',
      'tk1.short.AAAA',
      'tk1.EXAMPLEKEY01.AAAA',
      `tk1.${'a'.repeat(17)}.AAAA`,
      'tk2.examplekey01.AAAA',
    ]) {
      await expect(keyring.unseal(context, text as SealedText)).rejects.toThrow(SealBroken);
    }
    expect(find).not.toHaveBeenCalled();
  });
});

describe('Keyring for commands', () => {
  it('makes the missing keys, returns their purposes, and changes no complete set', async () => {
    store.rows.push(await dataKeyRow(wrapper, { state: 'primary' }));
    const keyring = new Keyring(store, new MasterKeys(wrapper));
    expect(await keyring.makeMissing()).toEqual(DATA_KEY_PURPOSES.slice(1));
    expect(store.rows.map(({ purpose }) => purpose)).toEqual([...DATA_KEY_PURPOSES]);
    const other = new Keyring(store, new MasterKeys(wrapper));
    expect(await other.makeMissing()).toEqual([]);
    expect(other.isLoaded).toBe(false);
  });

  it('unwraps the primary key of one purpose and no other', async () => {
    await loaded();
    store.rows.unshift(await dataKeyRow(wrapper, { purpose: 'audit' }));
    const unwrap = jest.spyOn(wrapper, 'unwrap');
    const keyring = new Keyring(store, new MasterKeys(wrapper));
    await keyring.loadPrimary('audit');
    const { keyId } = keyring.historyMac('tenant', ['a']);
    expect(keyId).toBe(
      store.rows.find(({ purpose, state }) => purpose === 'audit' && state === 'primary')?.id,
    );
    expect(unwrap.mock.calls.map(([, id]) => id)).toEqual([keyId]);
    expect(() => keyring.seal(context, plaintext)).toThrow('The keyring is not loaded.');
  });

  it('unwraps nothing before the first start', async () => {
    const keyring = new Keyring(store, new MasterKeys(wrapper));
    await keyring.loadPrimary('audit');
    expect(keyring.isLoaded).toBe(false);
  });
});

describe('Keyring.isHistoryMac', () => {
  const parts = ['created', 'developer-1', ''];

  it('accepts a MAC of historyMac for its tenant and texts only', async () => {
    const keyring = await loaded();
    const { mac, keyId } = keyring.historyMac('tenant', parts);
    expect(store.rows.find(({ purpose }) => purpose === 'audit')?.id).toBe(keyId);
    expect(await keyring.isHistoryMac(mac, keyId, 'tenant', parts)).toBe(true);
    expect(await keyring.isHistoryMac(mac, keyId, 'another', parts)).toBe(false);
    expect(await keyring.isHistoryMac(mac, keyId, 'tenant', [...parts, ''])).toBe(false);
    expect(await keyring.isHistoryMac(mac.toLowerCase(), keyId, 'tenant', parts)).toBe(false);
  });

  it('refuses a MAC under a key of another purpose', async () => {
    const keyring = await loaded();
    const [row] = store.rows.filter(({ purpose }) => purpose === 'fingerprint');
    if (!row) throw new Error('There is no fingerprint key.');
    const dataKey = new DataKey(row.id, row.purpose, await wrapper.unwrap(row.wrapped, row.id));
    expect(await keyring.isHistoryMac(historyMac(dataKey, 'tenant', parts), row.id, 'tenant', parts)).toBe(
      false,
    );
  });

  it('loads a key of another process', async () => {
    const keyring = await loaded();
    const row = await dataKeyRow(wrapper, { purpose: 'audit' });
    store.rows.push(row);
    const dataKey = new DataKey(row.id, 'audit', await wrapper.unwrap(row.wrapped, row.id));
    expect(await keyring.isHistoryMac(historyMac(dataKey, 'tenant', parts), row.id, 'tenant', parts)).toBe(
      true,
    );
  });

  it('refuses a MAC under an unknown key or one of another master key, and does not query malformed ids', async () => {
    const keyring = await loaded();
    const foreign = await dataKeyRow(new LocalKeyWrapper(randomBytes(32)), { purpose: 'audit' });
    store.rows.push(foreign);
    const find = jest.spyOn(store, 'find');
    const { mac } = keyring.historyMac('tenant', parts);
    for (const keyId of ['unknownkey01', foreign.id])
      expect(await keyring.isHistoryMac(mac, keyId, 'tenant', parts)).toBe(false);
    expect(find).toHaveBeenCalledTimes(2);
    for (const keyId of ['', 'short', 'EXAMPLEKEY01', `${foreign.id} `])
      expect(await keyring.isHistoryMac(mac, keyId, 'tenant', parts)).toBe(false);
    expect(find).toHaveBeenCalledTimes(2);
  });

  it('rethrows an error of the store', async () => {
    const keyring = await loaded();
    jest.spyOn(store, 'find').mockRejectedValueOnce(new Error('The database is gone.'));
    await expect(keyring.isHistoryMac('mac', 'unknownkey01', 'tenant', parts)).rejects.toThrow(
      'The database is gone.',
    );
  });
});

it('Keyring shows no key and no secret', async () => {
  const keyring = await loaded();
  const opened = await keyring.unseal(context, keyring.seal(context, plaintext).sealed);
  const shown =
    inspect({ keyring, opened }, { showHidden: true, depth: Infinity }) + JSON.stringify({ keyring, opened });
  const material = await Promise.all(store.rows.map((row) => wrapper.unwrap(row.wrapped, row.id)));
  for (const key of [masterKey, ...material]) {
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const)
      expect(shown).not.toContain(key.toString(encoding));
  }
  expect(shown).not.toContain(plaintext.reveal());
  expect(shown).toContain('[secret]');
});
