import { Injectable } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
import { columnValues } from '../../database/columns.js';
import { reachingDatabase } from '../../database/database-errors.js';
import { Database, query, type Steps } from '../../database/database.js';
import {
  ADD_IF_NONE,
  KEEP_AS_RETIRED,
  LOCK_PUBLISHED,
  MAKE_PRIMARY,
  REWRAP,
  SUPERSEDE,
  TAKE_OUT_OF_USE,
} from './data-key.statements.js';
import { DataKeyEntity, RetiredDataKeyEntity } from './data-key.entity.js';

/** Uses of data keys. Each purpose has its own keys. */
export const DATA_KEY_PURPOSES = ['seal', 'fingerprint', 'token', 'audit'] as const;
export type DataKeyPurpose = (typeof DATA_KEY_PURPOSES)[number];

/** A stored data key. */
export interface DataKeyRow {
  /** `[a-z0-9]{8,16}` */
  id: string;
  purpose: DataKeyPurpose;
  /**
   * `published`: unseals only, until all processes have it. `primary`: seals; one for each purpose.
   * `superseded`: was primary; unseals rows that are not resealed yet. `retired`: unseals, and the database
   * refuses new rows under it.
   */
  state: 'published' | 'primary' | 'superseded' | 'retired';
  wrapped: string;
  masterKeyId: string;
  createdAt: Date;
}

/** The port through which `Keyring` reads and adds wrapped data keys. */
export abstract class DataKeyStore {
  abstract list(): Promise<DataKeyRow[]>;

  abstract find(id: string): Promise<DataKeyRow | undefined>;

  /** Does nothing if the purpose has a primary key. */
  abstract addPrimaryIfNone(row: DataKeyRow): Promise<void>;
}

/** Appends to the history in the transaction of the change. */
export type WriteHistory = () => Steps<void>;

const NO_HISTORY: WriteHistory = function* () {};

/** Data keys in use, which sealed rows refer to, and retired ones, in a second table. */
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
    // In this order a key that is retired between the two reads is found twice instead of missed.
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
    return this.#addIfNone(row, NO_HISTORY);
  }

  /** Does nothing if the purpose has a published key. */
  addPublishedIfNone(row: DataKeyRow, writeHistory: WriteHistory): Promise<void> {
    return this.#addIfNone(row, writeHistory);
  }

  /** Makes a published key primary. Does nothing if another process did. */
  async makePrimary(id: string, purpose: DataKeyPurpose, writeHistory: WriteHistory): Promise<void> {
    await this.database.transaction(function* () {
      const [published] = yield* query(LOCK_PUBLISHED, [id]);
      if (!published) return;
      yield* query(SUPERSEDE, [purpose]);
      yield* query(MAKE_PRIMARY, [id]);
      yield* writeHistory();
    });
  }

  /**
   * Moves a superseded key to the retired keys.
   * @returns whether it was superseded
   * @throws the database's own error for a foreign key while a row is sealed under it
   */
  async retire(id: string, now: Date, writeHistory: WriteHistory): Promise<boolean> {
    return this.database.transaction(function* () {
      const [kept] = yield* query(KEEP_AS_RETIRED, [id, now]);
      if (!kept) return false;
      yield* query(TAKE_OUT_OF_USE, [id]);
      yield* writeHistory();
      return true;
    });
  }

  /** Replaces the wrapped key, unless another process did. */
  async rewrap(
    { id, wrapped }: DataKeyRow,
    next: Pick<DataKeyRow, 'wrapped' | 'masterKeyId'>,
    writeHistory: WriteHistory,
  ): Promise<void> {
    await this.database.transaction(function* () {
      for (const statement of REWRAP) {
        const [done] = yield* query(statement, [next.wrapped, next.masterKeyId, id, wrapped]);
        if (done) yield* writeHistory();
      }
    });
  }

  async #addIfNone(row: DataKeyRow, writeHistory: WriteHistory): Promise<void> {
    await this.database.transaction(function* () {
      const [added] = yield* query(ADD_IF_NONE, columnValues(DataKeyEntity, row));
      if (added) yield* writeHistory();
    });
  }
}

function asRow({ id, purpose, wrapped, masterKeyId, createdAt }: RetiredDataKeyEntity): DataKeyRow {
  return { id, purpose, state: 'retired', wrapped, masterKeyId, createdAt };
}
