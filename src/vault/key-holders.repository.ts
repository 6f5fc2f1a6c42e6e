import { Injectable } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
import { reachingDatabase } from '../database/database-errors.js';
import { KeyHolderEntity } from './key-holder.entity.js';
import type { HeldKeys } from './keyring.js';

/** A running process and its keys. */
export interface KeyHolder extends HeldKeys {
  readonly id: string;
  readonly name: string;
  readonly answeredAt: Date;
}

@Injectable()
export class KeyHoldersRepository {
  readonly #entities: Repository<KeyHolderEntity>;

  constructor(dataSource: DataSource) {
    this.#entities = dataSource.getRepository(KeyHolderEntity);
  }

  async list(): Promise<KeyHolder[]> {
    const rows = await reachingDatabase(this.#entities.find({ order: { name: 'ASC' } }));
    return rows.map(({ id, name, primaryKeyId, held, missing, answeredAt }) => {
      return { id, name, primary: primaryKeyId, held: idsIn(held), missing: idsIn(missing), answeredAt };
    });
  }

  async put({ id, name, primary, held, missing, answeredAt }: KeyHolder): Promise<void> {
    const row = { id, name, primaryKeyId: primary, held: held.join(), missing: missing.join(), answeredAt };
    await reachingDatabase(this.#entities.upsert(row, ['id']));
  }

  async remove(id: string): Promise<void> {
    await reachingDatabase(this.#entities.delete({ id }));
  }
}

function idsIn(list: string): string[] {
  return list === '' ? [] : list.split(',');
}
