import { Injectable } from '@nestjs/common';
import { Column, DataSource, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { reachingDatabase } from '../../database/database-errors.js';
import type { HeldKeys } from './keyring.js';

/** A running process and the data keys that it reported. A crashed process leaves its row behind. */
@Entity('keyring_nodes')
export class KeyringNodeEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'keyring_nodes_pk' })
  id: string;

  /** For people: the host's name and the process id. */
  @Column({ type: 'varchar', length: 300 })
  name: string;

  /** The version of this service that the process runs. */
  @Column({ type: 'varchar', length: 64 })
  version: string;

  /** The key that the process seals with. */
  @Column({ name: 'primary_key_id', type: 'varchar', length: 16 })
  primaryKeyId: string;

  /** Ids of the keys that the process unwrapped, separated by commas. */
  @Column({ type: 'text' })
  held: string;

  /** Ids of the keys that the process couldn't unwrap, separated by commas. */
  @Column({ type: 'text' })
  missing: string;

  @Column({ name: 'answered_at', type: Date, precision: 3 })
  answeredAt: Date;
}

/** A running process and its keys. */
export interface KeyringNode extends HeldKeys {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly answeredAt: Date;
}

@Injectable()
export class KeyringNodesRepository {
  readonly #entities: Repository<KeyringNodeEntity>;

  constructor(dataSource: DataSource) {
    this.#entities = dataSource.getRepository(KeyringNodeEntity);
  }

  async list(): Promise<KeyringNode[]> {
    const rows = await reachingDatabase(this.#entities.find({ order: { name: 'ASC' } }));
    return rows.map(({ primaryKeyId, held, missing, ...node }) => {
      return { ...node, primary: primaryKeyId, held: idsIn(held), missing: idsIn(missing) };
    });
  }

  async upsert({ primary, held, missing, ...node }: KeyringNode): Promise<void> {
    const row = { ...node, primaryKeyId: primary, held: held.join(), missing: missing.join() };
    await reachingDatabase(this.#entities.upsert(row, ['id']));
  }

  async remove(id: string): Promise<void> {
    await reachingDatabase(this.#entities.delete({ id }));
  }
}

function idsIn(list: string): string[] {
  return list === '' ? [] : list.split(',');
}
