import { randomBytes } from 'node:crypto';
import { DATA_KEY_BYTES } from './data-key.js';
import type { DataKeyPurpose, DataKeyRow } from './data-key-store.js';
import type { MasterKeys } from './master-keys.js';

/** Draws a data key and wraps it. */
export async function newDataKey(masterKeys: MasterKeys, purpose: DataKeyPurpose, state: DataKeyRow['state']): Promise<DataKeyRow> {
  const id = randomBytes(6).toString('hex');
  const material = randomBytes(DATA_KEY_BYTES);
  const wrapped = await masterKeys.wrap(material, id);
  material.fill(0);
  return { id, purpose, state, ...wrapped, createdAt: new Date() };
}
