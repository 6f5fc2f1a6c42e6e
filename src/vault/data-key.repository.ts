import { Injectable } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
import { Database, query, sql, type Steps } from '../database/database.js';
import { reachingDatabase } from '../database/database-errors.js';
import { DataKeyEntity } from './data-key.entity.js';
import { type DataKeyPurpose, type DataKeyRow, DataKeyStore } from './data-key-store.js';
import { RetiredDataKeyEntity } from './retired-data-key.entity.js';

/** The columns of a key. A row unless there is a key of its purpose and state already. */
const ADD_IF_NONE = sql<{ id: string }>(
  `INSERT INTO data_keys (id, purpose, state, wrapped, master_key_id, created_at) VALUES ($1, $2, $3, $4, $5, $6)
   ON CONFLICT DO NOTHING RETURNING id`,
  'add_data_key_if_none',
);

/** $1 new wrapping, $2 new master key, $3 id, $4 the wrapping until now. */
const rewrapIn = (table: string) =>
  sql<{ id: string }>(
    `UPDATE ${table} SET wrapped = $1, master_key_id = $2 WHERE id = $3 AND wrapped = $4 RETURNING id`,
    `rewrap_in_${table}`,
  );
const REWRAP = [rewrapIn('data_keys'), rewrapIn('retired_data_keys')];

/** $1 id. A row while the key is published; locks it and changes nothing. */
const LOCK_PUBLISHED = sql<{ id: string }>(
  `UPDATE data_keys SET state = state WHERE id = $1 AND state = 'published' RETURNING id`,
  'lock_published_data_key',
);

/** $1 purpose. */
const SUPERSEDE = sql<never>(`UPDATE data_keys SET state = 'superseded' WHERE purpose = $1 AND state = 'primary'`, 'supersede_data_key');

/** $1 id. */
const MAKE_PRIMARY = sql<never>(`UPDATE data_keys SET state = 'primary' WHERE id = $1`, 'make_data_key_primary');

/** $1 id, $2 now. */
const KEEP_AS_RETIRED = sql<{ id: string }>(
  `INSERT INTO retired_data_keys (id, purpose, wrapped, master_key_id, created_at, retired_at)
   SELECT id, purpose, wrapped, master_key_id, created_at, $2 FROM data_keys WHERE id = $1 AND state = 'superseded' RETURNING id`,
  'keep_data_key_as_retired',
);

const TAKE_OUT_OF_USE = sql<never>('DELETE FROM data_keys WHERE id = $1', 'take_data_key_out_of_use');

/** What is written into the history in the same transaction as the change. */
export type Record = () => Steps<void>;

const NOT_RECORDED: Record = function* () {};

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
    return this.#addIfNone(row, NOT_RECORDED);
  }

  /** Does nothing when the row's purpose has a published key already. */
  addPublishedIfNone(row: DataKeyRow, record: Record): Promise<void> {
    return this.#addIfNone(row, record);
  }

  /** Makes a published key the one that seals. Does nothing when somebody else did. */
  async makePrimary(id: string, purpose: DataKeyPurpose, record: Record): Promise<void> {
    await this.database.transaction(function* () {
      const [published] = yield* query(LOCK_PUBLISHED, [id]);
      if (!published) return;
      yield* query(SUPERSEDE, [purpose]);
      yield* query(MAKE_PRIMARY, [id]);
      yield* record();
    });
  }

  /**
   * Lets a superseded key only open from now on.
   * @returns whether it was superseded
   * @throws the database's own error for a foreign key while a row is sealed under it
   */
  async retire(id: string, now: Date, record: Record): Promise<boolean> {
    return this.database.transaction(function* () {
      const [kept] = yield* query(KEEP_AS_RETIRED, [id, now]);
      if (!kept) return false;
      yield* query(TAKE_OUT_OF_USE, [id]);
      yield* record();
      return true;
    });
  }

  /** Replaces how a key is wrapped, unless somebody else did. */
  async rewrap({ id, wrapped }: DataKeyRow, next: Pick<DataKeyRow, 'wrapped' | 'masterKeyId'>, record: Record): Promise<void> {
    await this.database.transaction(function* () {
      for (const statement of REWRAP) {
        const [done] = yield* query(statement, [next.wrapped, next.masterKeyId, id, wrapped]);
        if (done) yield* record();
      }
    });
  }

  async #addIfNone({ id, purpose, state, wrapped, masterKeyId, createdAt }: DataKeyRow, record: Record): Promise<void> {
    await this.database.transaction(function* () {
      const [added] = yield* query(ADD_IF_NONE, [id, purpose, state, wrapped, masterKeyId, createdAt]);
      if (added) yield* record();
    });
  }
}

function asRow({ id, purpose, wrapped, masterKeyId, createdAt }: RetiredDataKeyEntity): DataKeyRow {
  return { id, purpose, state: 'retired', wrapped, masterKeyId, createdAt };
}
