import { Injectable } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
import { Database, run, sql } from '../database/database.js';
import { reachingDatabase } from '../database/database-errors.js';
import { DataKeyEntity } from './data-key.entity.js';
import { type DataKeyPurpose, type DataKeyRow, DataKeyStore } from './data-key-store.js';
import { RetiredDataKeyEntity } from './retired-data-key.entity.js';

/** $1 id. A row while the key is published; locks it and changes nothing. */
const LOCK_PUBLISHED = sql<{ id: string }>(
  'lock_published_data_key',
  `UPDATE data_keys SET state = state WHERE id = $1 AND state = 'published' RETURNING id`,
);

/** $1 purpose. */
const SUPERSEDE = sql<never>('supersede_data_key', `UPDATE data_keys SET state = 'superseded' WHERE purpose = $1 AND state = 'primary'`);

/** $1 id. */
const MAKE_PRIMARY = sql<never>('make_data_key_primary', `UPDATE data_keys SET state = 'primary' WHERE id = $1`);

/** $1 id, $2 now. */
const KEEP_AS_RETIRED = sql<{ id: string }>(
  'keep_data_key_as_retired',
  `INSERT INTO retired_data_keys (id, purpose, wrapped, master_key_id, created_at, retired_at)
   SELECT id, purpose, wrapped, master_key_id, created_at, $2 FROM data_keys WHERE id = $1 AND state = 'superseded' RETURNING id`,
);

const TAKE_OUT_OF_USE = sql<never>('take_data_key_out_of_use', 'DELETE FROM data_keys WHERE id = $1');

/** Data keys in the table that sealed rows refer to, and the retired ones in another. */
@Injectable()
export class DataKeyRepository extends DataKeyStore {
  readonly #inUse: Repository<DataKeyEntity>;
  readonly #retired: Repository<RetiredDataKeyEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
  ) {
    super();
    this.#inUse = dataSource.getRepository(DataKeyEntity);
    this.#retired = dataSource.getRepository(RetiredDataKeyEntity);
  }

  override async list(): Promise<DataKeyRow[]> {
    // In this order, so that one which is retired in between is seen twice and not missed.
    const inUse = await reachingDatabase(this.#inUse.find());
    const retired = await reachingDatabase(this.#retired.find());
    return [...inUse.filter(({ id }) => !retired.some((each) => each.id === id)), ...retired.map(asRow)];
  }

  override async find(id: string): Promise<DataKeyRow | undefined> {
    const inUse = await reachingDatabase(this.#inUse.findOneBy({ id }));
    if (inUse) return inUse;
    const retired = await reachingDatabase(this.#retired.findOneBy({ id }));
    return retired ? asRow(retired) : undefined;
  }

  /** The partial unique index decides between processes that start at once. */
  override addPrimaryIfNone(row: DataKeyRow): Promise<void> {
    return this.#addIfNone(row);
  }

  /** Does nothing when the row's purpose has a published key already. */
  addPublishedIfNone(row: DataKeyRow): Promise<void> {
    return this.#addIfNone(row);
  }

  /** Makes a published key the one that seals. Does nothing when somebody else did. */
  async makePrimary(id: string, purpose: DataKeyPurpose): Promise<void> {
    await this.database.transaction(function* () {
      const [published] = yield* run(LOCK_PUBLISHED, [id]);
      if (!published) return;
      yield* run(SUPERSEDE, [purpose]);
      yield* run(MAKE_PRIMARY, [id]);
    });
  }

  /**
   * Lets a superseded key only open from now on.
   * @returns whether it was superseded
   * @throws the database's own error for a foreign key while a row is sealed under it
   */
  async retire(id: string, now: Date): Promise<boolean> {
    return this.database.transaction(function* () {
      const [kept] = yield* run(KEEP_AS_RETIRED, [id, now]);
      if (kept) yield* run(TAKE_OUT_OF_USE, [id]);
      return kept !== undefined;
    });
  }

  /** Replaces how a key is wrapped, unless somebody else did. */
  async rewrap({ id, wrapped }: DataKeyRow, next: Pick<DataKeyRow, 'wrapped' | 'masterKeyId'>): Promise<void> {
    // In this order, so that one which is retired in between is not missed.
    for (const table of [this.#inUse, this.#retired]) await reachingDatabase(table.update({ id, wrapped }, next));
  }

  async #addIfNone(row: DataKeyRow): Promise<void> {
    await reachingDatabase(this.#inUse.createQueryBuilder().insert().values(row).orIgnore().execute());
  }
}

function asRow({ id, purpose, wrapped, masterKeyId, createdAt }: RetiredDataKeyEntity): DataKeyRow {
  return { id, purpose, state: 'retired', wrapped, masterKeyId, createdAt };
}
