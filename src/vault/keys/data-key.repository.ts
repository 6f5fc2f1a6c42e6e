import { Injectable } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
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
} from '../data-key.statements.js';
import { DataKeyEntity, RetiredDataKeyEntity } from './data-key.entity.js';

/** What data keys are for; each purpose has keys of its own. */
export const DATA_KEY_PURPOSES = ['seal', 'fingerprint', 'token', 'audit'] as const;
export type DataKeyPurpose = (typeof DATA_KEY_PURPOSES)[number];

/** A data key as the database holds it. */
export interface DataKeyRow {
  /** `[a-z0-9]{8,16}` */
  id: string;
  purpose: DataKeyPurpose;
  /**
   * `published`: opens, doesn't seal yet. `primary`: the one that seals, one for each purpose. `superseded`: was primary; opens what is
   * not sealed anew yet. `retired`: opens, and the database takes nothing that is sealed under it.
   */
  state: 'published' | 'primary' | 'superseded' | 'retired';
  wrapped: string;
  masterKeyId: string;
  createdAt: Date;
}

/** Where the keyring keeps its wrapped data keys. */
export abstract class DataKeyStore {
  abstract list(): Promise<DataKeyRow[]>;

  abstract find(id: string): Promise<DataKeyRow | undefined>;

  /** Does nothing when the row's purpose has a primary key already. */
  abstract addPrimaryIfNone(row: DataKeyRow): Promise<void>;
}

/** What is written into the history in the same transaction as the change. */
export type WriteHistory = () => Steps<void>;

const NO_HISTORY: WriteHistory = function* () {};

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
    return this.#addIfNone(row, NO_HISTORY);
  }

  /** Does nothing when the row's purpose has a published key already. */
  addPublishedIfNone(row: DataKeyRow, writeHistory: WriteHistory): Promise<void> {
    return this.#addIfNone(row, writeHistory);
  }

  /** Makes a published key the one that seals. Does nothing when somebody else did. */
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
   * Lets a superseded key only open from now on.
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

  /** Replaces how a key is wrapped, unless somebody else did. */
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

  async #addIfNone(
    { id, purpose, state, wrapped, masterKeyId, createdAt }: DataKeyRow,
    writeHistory: WriteHistory,
  ): Promise<void> {
    await this.database.transaction(function* () {
      const [added] = yield* query(ADD_IF_NONE, [id, purpose, state, wrapped, masterKeyId, createdAt]);
      if (added) yield* writeHistory();
    });
  }
}

function asRow({ id, purpose, wrapped, masterKeyId, createdAt }: RetiredDataKeyEntity): DataKeyRow {
  return { id, purpose, state: 'retired', wrapped, masterKeyId, createdAt };
}
