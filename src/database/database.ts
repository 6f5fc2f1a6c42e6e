import type { DataSource } from 'typeorm';
import { type Dialect, DIALECTS, type Engine } from './dialect.js';

export type { Engine } from './dialect.js';

export function engineOf({ options }: DataSource): Engine {
  return options.type === 'postgres' ? 'postgres' : 'sqlite';
}

/** A value that both engines bind alike; times travel as `Date`. */
export type SqlValue = string | number | boolean | Date | null;

type ColumnType = typeof Boolean | typeof Date;

/** SQL text with `$1`-style parameters. */
export interface Statement<Row> {
  readonly text: string | Readonly<Record<Engine, string>>;
  /** PostgreSQL prepares the statement under this name. Each text needs a name of its own. */
  readonly name?: string | undefined;
  readonly computed?: Readonly<Record<string, ColumnType | undefined>> | undefined;
  readonly destroys?: StatementOptions<Row>['destroys'] | undefined;
  /** Never set. Carries the type of the rows. */
  readonly row?: Row;
}

/** The keys of each member of a union. */
type KeyOf<Row> = Row extends unknown ? keyof Row : never;

export interface StatementOptions<Row> {
  /**
   * Types of columns that are expressions, such as `a < b` or `max(created_at)`. SQLite knows the types of a
   * table's own columns only, and has neither flags nor times.
   */
  readonly computed?: { readonly [Key in KeyOf<Row>]?: ColumnType };
  /**
   * Whether it deletes or overwrites secrets, payloads or personal data. SQLite then empties the
   * write-ahead log, which still has the former pages. With `soon` it may pause before, for statements that run
   * often.
   */
  readonly destroys?: true | 'soon';
}

/**
 * @param text one for both engines, one for each, or a function that writes it in the dialect of an engine:
 *
 *     sql(({ rowLock }) => `SELECT … FROM outbox o ${rowLock({ skipLocked: true })}`, 'take_from_outbox')
 * @param name where PostgreSQL should prepare it, which pays off for a statement that runs often
 */
export function sql<Row>(
  text: Statement<Row>['text'] | ((dialect: Dialect) => string),
  name?: string,
  options?: StatementOptions<Row>,
): Statement<Row> {
  if (typeof text !== 'function') return { text, name, ...options };
  return { text: { sqlite: text(DIALECTS.sqlite), postgres: text(DIALECTS.postgres) }, name, ...options };
}

export function textFor({ text }: Statement<unknown>, engine: Engine): string {
  return typeof text === 'string' ? text : text[engine];
}

export interface StatementCall {
  readonly statement: Statement<unknown>;
  readonly values: SqlValue[];
  /** Whether the transaction continues without the result. */
  readonly isPipelined?: boolean;
  /** Whether the transaction ends with this statement. */
  readonly isLast?: boolean;
}

/**
 * The body of a transaction: a generator that yields statements and receives their rows. A generator can't
 * `await`, so a transaction never waits for the network. On SQLite it runs synchronously, so no other request
 * runs meanwhile.
 */
export type Steps<Result> = Generator<readonly StatementCall[], Result, readonly unknown[][]>;

/** Runs one statement inside a transaction: `const rows = yield* query(statement, values)`. */
export function* query<Row>(statement: Statement<Row>, values: SqlValue[]): Steps<Row[]> {
  const [rows = []] = yield [{ statement, values }];
  return rows as Row[];
}

/**
 * Runs a statement without rows. PostgreSQL gets it pipelined with the next statement; a failure surfaces
 * there.
 */
export function* exec(statement: Statement<never>, values: SqlValue[]): Steps<void> {
  yield [{ statement, values, isPipelined: true }];
}

/**
 * `query` for the last statement of a transaction. PostgreSQL gets it in one message with the commit, so the
 * body must not throw afterwards.
 */
export function* queryLast<Row>(statement: Statement<Row>, values: SqlValue[]): Steps<Row[]> {
  const [rows = []] = yield [{ statement, values, isLast: true }];
  return rows as Row[];
}

/**
 * Runs bodies in parallel, with one message for each step of all. PostgreSQL runs the statements in the order
 * of the bodies. None may depend on the rows or writes of another.
 */
export function* zip<Results extends unknown[]>(
  ...bodies: { [Index in keyof Results]: Steps<Results[Index]> }
): Steps<Results> {
  const steps = bodies.map((body) => body.next([]));
  while (steps.some(({ done }) => !done)) {
    const calls = steps.map((step) => (step.done ? [] : step.value));
    const answers = [...(yield calls.flat())];
    for (const [index, body] of bodies.entries())
      if (!steps[index]?.done) steps[index] = body.next(answers.splice(0, calls[index]?.length));
  }
  return steps.map(({ value }) => value) as Results;
}

const PING = sql<{ one: number }>('SELECT 1 AS one', 'ping');

/** Runs hand-written SQL and all transactions, on either engine. */
export abstract class Database {
  abstract readonly engine: Engine;

  /** Runs one statement, atomic by itself. @throws DomainError `database_unavailable` */
  abstract query<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]>;

  /**
   * Commits all statements of `body` or none.
   * @throws DomainError `database_unavailable`, and errors of `body`
   */
  abstract transaction<Result>(body: () => Steps<Result>): Promise<Result>;

  /** Runs one writing statement, atomic by itself. On SQLite, writes that arrive together share a commit. */
  abstract write<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]>;

  /**
   * Within a transaction: waits until no other transaction holds the lock of this name, and holds it until
   * the end.
   */
  abstract lock(name: string): Steps<void>;

  /**
   * Within a transaction: notifies the other processes when it commits. Those of SQLite see the change to the
   * file themselves.
   */
  abstract notify(channel: string, payload: string): Steps<void>;

  /**
   * Pauses background work between two batches of writes, so that requests can write in between: SQLite has
   * one writer at a time.
   */
  abstract throttle(batchStartedAt: number): Promise<void>;

  /**
   * Changes how long a statement waits for another process that locks the SQLite file. PostgreSQL has locks
   * of rows only.
   */
  abstract setLockTimeout(milliseconds: number): void;

  /** @throws DomainError `database_unavailable` */
  async ping(): Promise<void> {
    await this.query(PING, []);
  }

  /** Connections of the pool. SQLite has none. */
  connections(): { busy: number; idle: number; waiting: number } | undefined {
    return undefined;
  }
}

/**
 * A time column as RFC 3339 in UTC with three decimals: PostgreSQL gives a `Date`, SQLite the text that
 * TypeORM stores there.
 */
export function toTimestamp(value: Date | string): string {
  return value instanceof Date ? value.toISOString() : `${value.replace(' ', 'T')}Z`;
}
