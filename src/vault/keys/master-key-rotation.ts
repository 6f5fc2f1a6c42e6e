import { timingSafeEqual } from 'node:crypto';
import type { Steps } from '../../database/database.js';
import type { DataKeyRepository } from './data-key.repository.js';
import type { MasterKeys } from '../wrappers/master-keys.js';

interface RewrappedKey {
  readonly id: string;
  /** The former master key. */
  readonly from: string;
}

/**
 * Rewraps all data keys with the first configured master key. Keys that it wrapped are rewrapped too, since a
 * provider may have rotated its key under the same name. Data keys stay the same, so running processes are
 * not affected.
 * @throws WrongMasterKey if a key needs a master key that is not configured; the keys before it are rewrapped
 */
export async function rotateMasterKey(
  keys: DataKeyRepository,
  masterKeys: MasterKeys,
  record: (key: RewrappedKey, to: string) => Steps<void>,
): Promise<RewrappedKey[]> {
  const done: RewrappedKey[] = [];
  for (const row of await keys.list()) {
    const material = await masterKeys.unwrap(row);
    const next = await masterKeys.wrap(material, row.id);
    const again = await masterKeys.unwrap({ id: row.id, ...next });
    const isSame = timingSafeEqual(material, again);
    for (const buffer of [material, again]) buffer.fill(0);
    if (!isSame) throw new Error(`Data key ${row.id} is not the same after wrapping and unwrapping.`);
    const key = { id: row.id, from: row.masterKeyId };
    await keys.rewrap(row, next, () => record(key, next.masterKeyId));
    done.push(key);
  }
  return done;
}
