import { randomBytes } from 'node:crypto';
import type { DataKeyRow } from '../../../src/vault/keys/data-key.repository.js';
import type { KeyWrapper } from '../../../src/vault/wrappers/key-wrapper.js';

/** A new wrapped data key; by default a published seal key. */
export async function dataKeyRow(wrapper: KeyWrapper, given: Partial<DataKeyRow> = {}): Promise<DataKeyRow> {
  const id = given.id ?? randomBytes(6).toString('hex');
  const wrapped = await wrapper.wrap(randomBytes(32), id);
  return {
    id,
    purpose: 'seal',
    state: 'published',
    wrapped,
    masterKeyId: wrapper.masterKeyId,
    createdAt: new Date(),
    ...given,
  };
}
