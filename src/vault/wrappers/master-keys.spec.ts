import { randomBytes } from 'node:crypto';
import { WrongMasterKey } from './key-wrapper.js';
import { LocalKeyWrapper } from './local-key-wrapper.js';
import { MasterKeys } from './master-keys.js';

const first = new LocalKeyWrapper(randomBytes(32));
const second = new LocalKeyWrapper(randomBytes(32));
const other = new LocalKeyWrapper(randomBytes(32));
const dataKey = randomBytes(32);

describe('MasterKeys', () => {
  it('wraps with the first and unwraps with each', async () => {
    const masterKeys = new MasterKeys(first, second);
    expect(masterKeys.ids).toEqual([first.masterKeyId, second.masterKeyId]);
    expect((await masterKeys.wrap(dataKey, 'examplekey01')).masterKeyId).toBe(first.masterKeyId);
    for (const wrapper of [first, second]) {
      const row = {
        id: 'examplekey01',
        wrapped: await wrapper.wrap(dataKey, 'examplekey01'),
        masterKeyId: wrapper.masterKeyId,
      };
      expect(await masterKeys.unwrap(row)).toEqual(dataKey);
    }
  });

  it('names the missing master key and the configured ones', async () => {
    const row = {
      id: 'examplekey01',
      wrapped: await other.wrap(dataKey, 'examplekey01'),
      masterKeyId: other.masterKeyId,
    };
    const missing = `Data key examplekey01 was wrapped by master key ${other.masterKeyId}, but`;
    await expect(new MasterKeys(first).unwrap(row)).rejects.toThrow(
      `${missing} the one configured is ${first.masterKeyId}.`,
    );
    await expect(new MasterKeys(first, second).unwrap(row)).rejects.toThrow(
      `${missing} those configured are ${first.masterKeyId}, ${second.masterKeyId}.`,
    );
    await expect(new MasterKeys(first).unwrap(row)).rejects.toThrow(WrongMasterKey);
  });

  it('wraps nothing without a key', async () => {
    await expect(new MasterKeys().wrap(dataKey, 'examplekey01')).rejects.toThrow(
      'No master key is configured.',
    );
  });
});
