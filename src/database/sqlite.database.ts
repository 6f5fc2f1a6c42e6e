import { setTimeout as sleep } from 'node:timers/promises';
import type { Database as Driver, Statement as Prepared } from 'better-sqlite3';
import { Database, query, type SqlValue, type Statement, type Steps, textFor } from './database.js';
import { asDomainError } from './database-errors.js';

type Bindable = string | number | null;

type Row = Record<string, unknown>;

/** A prepared statement and the conversions of its columns. */
interface PreparedStatement {
  readonly driver: Prepared<[Record<string, Bindable>], Row>;
  readonly conversions: readonly (readonly [column: string, convert: (value: unknown) => unknown])[];
}

/**
 * Conversions by the type of a column: the declared type, which `driver.columns()` reports for the columns of
 * a table, or the type that the statement gives an expression.
 */
const CONVERSIONS: ReadonlyMap<unknown, (value: unknown) => unknown> = new Map<unknown, typeof toDate>([
  ['datetime(3)', toDate],
  ['boolean', toBoolean],
  [Date, toDate],
  [Boolean, toBoolean],
]);

/** A queued transaction. */
interface Job {
  /** @returns a function that resolves the caller's promise, to be called after the commit */
  run: () => () => void;
  reject: (error: unknown) => void;
}

/** Limits how long a commit blocks the process. */
const MAX_COMMITTED_TOGETHER = 50;

/** Pause between two attempts to empty the log, since each attempt syncs the disk several times. */
const LOG_PAUSE_MS = 200;

/**
 * How long background work pauses, as a multiple of the time that its last batch took. A server that waits to
 * write gives up soon.
 */
const PAUSE = 3;

/**
 * SQLite through TypeORM's connection. TypeORM's own transactions let statements of other requests in while
 * they wait. Here a transaction is one synchronous call.
 */
export class SqliteDatabase extends Database {
  readonly engine = 'sqlite';
  readonly #waiting: Job[] = [];
  #destroys: true | 'soon' | undefined;
  #emptyingLog: NodeJS.Timeout | undefined;
  #triedLogAt = -Infinity;
  readonly #prepared = new Map<string, PreparedStatement>();

  constructor(private readonly driver: Driver) {
    super();
  }

  async query<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]> {
    try {
      const rows = this.#execute(statement, values);
      if (statement.destroys) this.#emptyLog(statement.destroys);
      return rows;
    } catch (error) {
      throw asDomainError(error);
    }
  }

  transaction<Result>(body: () => Steps<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const run = () => {
        const result = this.#runSteps(body());
        return () => resolve(result);
      };
      this.#waiting.push({ run, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#commitWaiting());
    });
  }

  write<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]> {
    return this.transaction(() => query(statement, values));
  }

  *lock(): Steps<void> {
    // No other transaction runs meanwhile.
  }

  *notify(): Steps<void> {
    // SqliteNotifications watches the file.
  }

  setLockTimeout(milliseconds: number): void {
    this.driver.pragma(`busy_timeout = ${milliseconds}`);
  }

  async throttle(batchStartedAt: number): Promise<void> {
    await sleep(PAUSE * (performance.now() - batchStartedAt));
    // The work may have ended with this batch, and the process with it.
    if (this.#emptyingLog) this.#tryToEmptyLog();
  }

  /**
   * Runs queued transactions with one commit, and so one fsync. Each has a savepoint, so a failure doesn't
   * affect the others.
   */
  #commitWaiting(): void {
    const jobs = this.#waiting.splice(0, MAX_COMMITTED_TOGETHER);
    if (this.#waiting.length > 0) setImmediate(() => this.#commitWaiting());
    const answers: (() => void)[] = [];
    this.#destroys = undefined;
    try {
      const runAll = () => {
        for (const job of jobs) answers.push(this.#attempt(job));
      };
      this.driver.transaction(runAll).immediate();
    } catch (error) {
      for (const { reject } of jobs) reject(asDomainError(error));
      return;
    }
    for (const answer of answers) answer();
    if (this.#destroys) this.#emptyLog(this.#destroys);
  }

  /** @throws if the failure ended the whole transaction, such as a full disk */
  #attempt({ run, reject }: Job): () => void {
    try {
      return this.driver.transaction(run)();
    } catch (error) {
      if (!this.driver.inTransaction) throw error;
      return () => reject(asDomainError(error));
    }
  }

  #runSteps<Result>(steps: Steps<Result>): Result {
    let step = steps.next([]);
    while (!step.done) {
      const answers = step.value.map(({ statement, values }) => {
        const { destroys } = statement;
        if (destroys && this.#destroys !== true) this.#destroys = destroys;
        return this.#execute(statement, values);
      });
      step = steps.next(answers);
    }
    return step.value;
  }

  /**
   * Empties the write-ahead log, so that destroyed secrets are gone there too. Another process that reads, such
   * as a backup, delays it. Closing the database empties the log as well.
   * @param when `soon`: not just after another attempt
   */
  #emptyLog(when: true | 'soon'): void {
    clearTimeout(this.#emptyingLog);
    this.#emptyingLog = undefined;
    if (!this.driver.open) return;
    const pause = when === 'soon' ? this.#triedLogAt + LOG_PAUSE_MS - performance.now() : 0;
    if (pause <= 0 && this.#tryToEmptyLog()) return;
    const retry = () => this.#emptyLog('soon');
    this.#emptyingLog = setTimeout(retry, pause > 0 ? pause : LOG_PAUSE_MS).unref();
  }

  #tryToEmptyLog(): boolean {
    this.#triedLogAt = performance.now();
    const lockTimeout = Number(this.driver.pragma('busy_timeout', { simple: true }));
    // Waiting for the other process would block this one.
    this.setLockTimeout(0);
    try {
      return this.driver.pragma('wal_checkpoint(TRUNCATE)', { simple: true }) === 0;
    } catch {
      return false;
    } finally {
      this.setLockTimeout(lockTimeout);
    }
  }

  #execute<Result>(statement: Statement<Result>, values: SqlValue[]): Result[] {
    const { driver, conversions } = this.#prepare(statement);
    const parameters = Object.fromEntries(values.map((value, index) => [index + 1, toBindable(value)]));
    if (!driver.reader) {
      driver.run(parameters);
      return [];
    }
    const rows = driver.all(parameters);
    if (conversions.length > 0)
      for (const row of rows) for (const [column, convert] of conversions) row[column] = convert(row[column]);
    return rows as Result[];
  }

  #prepare(statement: Statement<unknown>): PreparedStatement {
    const text = textFor(statement, 'sqlite');
    const known = this.#prepared.get(text);
    if (known) return known;
    const driver = this.driver.prepare<[Record<string, Bindable>], Row>(text);
    const conversions = (driver.reader ? driver.columns() : []).flatMap(({ name, type }) => {
      const convert = CONVERSIONS.get(statement.computed?.[name] ?? type);
      return convert ? [[name, convert] as const] : [];
    });
    const prepared = { driver, conversions };
    this.#prepared.set(text, prepared);
    return prepared;
  }
}

/** Leaves other values unchanged, since SQLite stores values of any type. */
function toDate(value: unknown): unknown {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(value)
    ? new Date(`${value.replace(' ', 'T')}Z`)
    : value;
}

function toBoolean(value: unknown): unknown {
  return value === 0 || value === 1 ? value === 1 : value;
}

function toBindable(value: SqlValue): Bindable {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date) return value.toISOString().replace('T', ' ').slice(0, -1);
  return value;
}
