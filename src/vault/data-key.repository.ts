import { Injectable } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
import { reachingDatabase } from '../database/database-errors.js';
import { DataKeyEntity } from './data-key.entity.js';
import { type DataKeyRow, DataKeyStore } from './data-key-store.js';

@Injectable()
export class DataKeyRepository extends DataKeyStore {
  readonly #entities: Repository<DataKeyEntity>;

  constructor(dataSource: DataSource) {
    super();
    this.#entities = dataSource.getRepository(DataKeyEntity);
  }

  override list(): Promise<DataKeyRow[]> {
    return reachingDatabase(this.#entities.find());
  }

  override async find(id: string): Promise<DataKeyRow | undefined> {
    return (await reachingDatabase(this.#entities.findOneBy({ id }))) ?? undefined;
  }

  /** The partial unique index decides between processes that start at once. */
  override async addPrimaryIfNone(row: DataKeyRow): Promise<void> {
    await reachingDatabase(this.#entities.createQueryBuilder().insert().values(row).orIgnore().execute());
  }
}
