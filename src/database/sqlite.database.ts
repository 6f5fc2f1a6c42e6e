import type { Database as Driver, Statement as Prepared } from 'better-sqlite3';
import { Database, type SqlValue, type Statement, type Transaction } from './database.js';
import { asDomainError } from './database-errors.js';

type Bindable = string | number | null;

/**
 * SQLite through the driver's own connection. TypeORM has one connection too, the same one, and lets other requests' statements
 * slip into a transaction that waits; here a transaction is one synchronous call, so nothing can.
 */
export class SqliteDatabase extends Database {
  readonly engine = 'sqlite';
  readonly #prepared = new Map<string, Prepared<[Record<string, Bindable>]>>();

  constructor(private readonly driver: Driver) {
    super();
  }

  async query<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]> {
    try {
      return this.#execute(statement, values);
    } catch (error) {
      throw asDomainError(error);
    }
  }

  async transaction<Result>(body: () => Transaction<Result>): Promise<Result> {
    let destroys = false;
    const runBody = (): Result => {
      const steps = body();
      let step = steps.next([]);
      while (!step.done) {
        const { statement, values } = step.value;
        destroys ||= statement.text.startsWith('DELETE');
        step = steps.next(this.#execute(statement, values));
      }
      return step.value;
    };
    try {
      const result = this.driver.transaction(runBody).immediate();
      if (destroys) this.#emptyLog();
      return result;
    } catch (error) {
      throw asDomainError(error);
    }
  }

  /** The write-ahead log still has the pages as they were: what is destroyed must go from there too. */
  #emptyLog(): void {
    try {
      this.driver.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // The deletion is committed; the log is emptied by the next one, or when the database is closed.
    }
  }

  #execute<Row>(statement: Statement<Row>, values: SqlValue[]): Row[] {
    const prepared = this.#prepare(statement.text);
    const parameters = Object.fromEntries(values.map((value, index) => [index + 1, toBindable(value)]));
    if (prepared.reader) return prepared.all(parameters) as Row[];
    prepared.run(parameters);
    return [];
  }

  #prepare(text: string): Prepared<[Record<string, Bindable>]> {
    let prepared = this.#prepared.get(text);
    if (!prepared) {
      prepared = this.driver.prepare<[Record<string, Bindable>]>(text);
      this.#prepared.set(text, prepared);
    }
    return prepared;
  }
}

function toBindable(value: SqlValue): Bindable {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date) return value.toISOString().replace('T', ' ').slice(0, -1);
  return value;
}
