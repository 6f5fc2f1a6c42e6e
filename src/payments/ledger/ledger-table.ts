import type { ProjectId } from '../../common/ids.js';
import {
  type Database,
  type Engine,
  query,
  exec,
  type SqlValue,
  sql,
  type Statement,
  toTimestamp,
  type Steps,
} from '../../database/database.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import type { StoredVersion } from './decision.js';
import { rowId } from './row-id.js';

/** The columns of a state, and how each is read back: PostgreSQL gives a `bigint` as text, SQLite a time. */
type Columns<State> = { readonly [Field in keyof State]-?: readonly [column: string, kind: 'text' | 'integer' | 'time'] };

type Row = Record<string, SqlValue>;

/** A row before it was written to, if it was there, and as it is now: the same object where nothing changed. */
export interface Written<State> {
  /** Ours. */
  readonly id: string;
  readonly stripeId: string;
  readonly before: (State & StoredVersion) | undefined;
  readonly after: State;
  /** The row is gone: `after` is only what others are told. */
  readonly isRemoved?: boolean;
}

/** A table of the ledger: one row for each object of one kind, by project, mode and Stripe's id. Every row has our id and its owner. */
export class LedgerTable<State extends object> {
  readonly #find: Statement<Row>;
  readonly #lock: Record<Engine, Statement<Row>>;
  readonly #insert: Statement<never>;
  readonly #update: Statement<never>;
  readonly #delete: Statement<never>;
  readonly #fields: readonly (keyof State)[];

  /** @param key the column of Stripe's id */
  constructor(
    name: string,
    key: string,
    private readonly columns: Columns<State>,
  ) {
    this.#fields = Object.keys(columns) as (keyof State)[];
    const names = this.#fields.map((field) => columns[field][0]);
    const find = `SELECT ${names.join(', ')}, revision FROM ${name} WHERE project_id = $1 AND mode = $2 AND ${key} = $3`;
    this.#find = sql(find, `find_${name}`);
    this.#lock = { sqlite: this.#find, postgres: sql(`${find} FOR UPDATE`, `lock_${name}`) };
    this.#delete = sql(`DELETE FROM ${name} WHERE project_id = $1 AND mode = $2 AND ${key} = $3`, `delete_${name}`);
    this.#insert = sql(
      `INSERT INTO ${name} (project_id, mode, ${key}, id, owner_id, revision, ${names.join(', ')})
       VALUES ($1, $2, $3, $4, (SELECT owner_id FROM projects WHERE id = $1), 1, ${names.map((_, index) => `$${index + 5}`).join(', ')})`,
      `insert_${name}`,
    );
    this.#update = sql(
      `UPDATE ${name} SET revision = revision + 1, ${names.map((column, index) => `${column} = $${index + 4}`).join(', ')}
       WHERE project_id = $1 AND mode = $2 AND ${key} = $3`,
      `update_${name}`,
    );
  }

  async find(database: Database, projectId: ProjectId, mode: StripeMode, stripeId: string): Promise<(State & StoredVersion) | undefined> {
    return this.#read(await database.query(this.#find, [projectId, mode, stripeId]));
  }

  /** The same within a transaction. */
  *see(projectId: ProjectId, mode: StripeMode, stripeId: string): Steps<(State & StoredVersion) | undefined> {
    return this.#read(yield* query(this.#find, [projectId, mode, stripeId]));
  }

  /** The same, and nobody else writes to the row until this transaction ends. */
  *lock(engine: Engine, projectId: ProjectId, mode: StripeMode, stripeId: string): Steps<(State & StoredVersion) | undefined> {
    return this.#read(yield* query(this.#lock[engine], [projectId, mode, stripeId]));
  }

  /** @param before the row, locked, if it is there @param after as it is to be; nothing is written when that is what it was */
  *write(
    projectId: ProjectId,
    mode: StripeMode,
    stripeId: string,
    before: (State & StoredVersion) | undefined,
    after: State,
  ): Steps<Written<State>> {
    const id = rowId(projectId, mode, stripeId);
    if (before && this.#fields.every((field) => before[field]?.valueOf() === after[field]?.valueOf()))
      return { id, stripeId, before, after: before };
    const key = [projectId, mode, stripeId];
    const values = this.#fields.map((field) => after[field] as SqlValue);
    // Where another transaction inserts it first, this one fails: see `retryIfStale`.
    yield* before ? exec(this.#update, [...key, ...values]) : exec(this.#insert, [...key, id, ...values]);
    return { id, stripeId, before, after };
  }

  /** @returns the row that was there */
  *remove(engine: Engine, projectId: ProjectId, mode: StripeMode, stripeId: string): Steps<Written<State>[]> {
    const row = yield* this.lock(engine, projectId, mode, stripeId);
    if (!row) return [];
    yield* exec(this.#delete, [projectId, mode, stripeId]);
    return [{ id: rowId(projectId, mode, stripeId), stripeId, before: undefined, after: row }];
  }

  #read([row]: Row[]): (State & StoredVersion) | undefined {
    if (!row) return undefined;
    const fields = this.#fields.map((field) => [field, this.#value(field, row)] as const);
    return { ...Object.fromEntries(fields), revision: Number(row['revision']) } as State & StoredVersion;
  }

  #value(field: keyof State, row: Row): unknown {
    const [column, kind] = this.columns[field];
    const value = row[column] ?? null;
    if (value === null || kind === 'text') return value;
    return kind === 'integer' ? Number(value) : new Date(toTimestamp(value as Date | string));
  }
}

export function isNews({ before, after }: Written<object>): boolean {
  return before !== after;
}
