import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { WrongMasterKey } from './key-wrapper.js';
import { LocalKeyWrapper } from './local-key-wrapper.js';

const masterKey = randomBytes(32);
const wrapper = new LocalKeyWrapper(masterKey);
const dataKey = randomBytes(32);

describe('LocalKeyWrapper', () => {
  it('unwraps what it wrapped, also in another process', async () => {
    const wrapped = await wrapper.wrap(dataKey, 'examplekey01');
    expect(await new LocalKeyWrapper(Buffer.from(masterKey)).unwrap(wrapped, 'examplekey01')).toEqual(
      dataKey,
    );
  });

  it('wraps the same key differently every time', async () => {
    expect(await wrapper.wrap(dataKey, 'examplekey01')).not.toBe(await wrapper.wrap(dataKey, 'examplekey01'));
  });

  it('refuses a data key under the id of another', async () => {
    const wrapped = await wrapper.wrap(dataKey, 'examplekey01');
    await expect(wrapper.unwrap(wrapped, 'examplekey02')).rejects.toThrow(WrongMasterKey);
    await expect(wrapper.unwrap(wrapped, 'examplekey02')).rejects.toThrow(
      `Master key ${wrapper.masterKeyId} can't unwrap data key examplekey02`,
    );
  });

  it('refuses a data key that another master key wrapped', async () => {
    const wrapped = await new LocalKeyWrapper(randomBytes(32)).wrap(dataKey, 'examplekey01');
    await expect(wrapper.unwrap(wrapped, 'examplekey01')).rejects.toThrow(WrongMasterKey);
  });

  it('refuses altered text', async () => {
    const wrapped = await wrapper.wrap(dataKey, 'examplekey01');
    const bytes = Buffer.from(wrapped.slice('local1.'.length), 'base64url');
    const altered = [
      '',
      'local1.',
      wrapped.slice('local1.'.length),
      `local2.${bytes.toString('base64url')}`,
      `${wrapped}=`,
      `${wrapped}\n`,
    ];
    for (let at = 0; at < bytes.length; at += 1) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      altered.push(`local1.${flipped.toString('base64url')}`);
    }
    for (let tag = 0; tag < 16; tag += 1)
      altered.push(`local1.${bytes.subarray(0, bytes.length - 16 + tag).toString('base64url')}`);
    for (const text of altered)
      await expect(wrapper.unwrap(text, 'examplekey01')).rejects.toThrow(WrongMasterKey);
  });

  it('has an id that is equal for equal master keys only', () => {
    expect(new LocalKeyWrapper(masterKey).masterKeyId).toBe(wrapper.masterKeyId);
    expect(new LocalKeyWrapper(randomBytes(32)).masterKeyId).not.toBe(wrapper.masterKeyId);
    expect(wrapper.masterKeyId).toMatch(/^local-[0-9a-f]{16}$/);
  });

  it('accepts only 32 bytes, with an error that does not show the key', () => {
    for (const length of [0, 16, 31, 33, 64]) {
      expect(() => new LocalKeyWrapper(Buffer.alloc(length, 'k'))).toThrow(
        /^The master key must be 32 bytes long\.$/,
      );
    }
  });

  it('shows no key', () => {
    const shown = inspect(wrapper, { showHidden: true, depth: Infinity }) + JSON.stringify(wrapper);
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const)
      expect(shown).not.toContain(masterKey.toString(encoding));
  });
});
