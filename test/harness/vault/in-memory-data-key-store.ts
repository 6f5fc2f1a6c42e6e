import { DataKeyStore, type DataKeyRow } from '../../../src/vault/keys/data-key.repository.js';

export class InMemoryDataKeyStore extends DataKeyStore {
  readonly rows: DataKeyRow[] = [];

  list(): Promise<DataKeyRow[]> {
    return Promise.resolve([...this.rows]);
  }

  find(id: string): Promise<DataKeyRow | undefined> {
    return Promise.resolve(this.rows.find((row) => row.id === id));
  }

  addPrimaryIfNone(row: DataKeyRow): Promise<void> {
    const taken = this.rows.some(({ purpose, state }) => purpose === row.purpose && state === 'primary');
    if (!taken) this.rows.push(row);
    return Promise.resolve();
  }
}
