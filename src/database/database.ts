import type { DataSource } from 'typeorm';
import { type Dialect, DIALECTS, type Engine } from './dialect.js';

export type { Engine } from './dialect.js';

export function engineOf({ options }: DataSource): Engine {
  return options.type === 'postgres' ? 'postgres' : 'sqlite';
}

/** A value that both engines bind alike; times travel as `Date`. */
export type SqlValue = string | number | boolean | Date | null;

/** SQL text with `$1`-style parameters. */
export interface Statement<Row> {
  readonly text: string | Readonly<Record<Engine, string>>;
  /** PostgreSQL prepares the statement under this name. Each text needs a name of its own. */
  readonly name?: string | undefined;
  /** Never set: carries the row's type. */
  readonly row?: Row;
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
): Statement<Row> {
  if (typeof text !== 'function') return { text, name };
  return { text: { sqlite: text(DIALECTS.sqlite), postgres: text(DIALECTS.postgres) }, name };
}

export function textFor({ text }: Statement<unknown>, engine: Engine): string {
  return typeof text === 'string' ? text : text[engine];
}

export interface StatementCall {
  readonly statement: Statement<unknown>;
  readonly values: SqlValue[];
  /** Whether the transaction continues without an answer. */
  readonly isPipelined?: boolean;
}

/**
 * The body of a transaction: a generator that yields statements and gets the rows of each. A generator can't `await`, so a transaction
 * waits for its own statements only: never for the network and, on SQLite, where it runs synchronously, not even for another request.
 */
export type Steps<Result> = Generator<readonly StatementCall[], Result, readonly unknown[][]>;

/** Runs one statement inside a transaction: `const rows = yield* query(statement, values)`. */
export function* query<Row>(statement: Statement<Row>, values: SqlValue[]): Steps<Row[]> {
  const [rows = []] = yield [{ statement, values }];
  return rows as Row[];
}

/** Runs a statement without rows. PostgreSQL gets it pipelined with the next statement; a failure surfaces there. */
export function* exec(statement: Statement<never>, values: SqlValue[]): Steps<void> {
  yield [{ statement, values, isPipelined: true }];
}

/** Runs two bodies step by step, each step of both in one message: for the webhook path alone. Neither sees what the other writes. */
export function* zip<A, B>(one: Steps<A>, other: Steps<B>): Steps<[A, B]> {
  let [first, second] = [one.next([]), other.next([])];
  while (!first.done || !second.done) {
    const calls = first.done ? [] : first.value;
    const answers = yield [...calls, ...(second.done ? [] : second.value)];
    if (!first.done) first = one.next(answers.slice(0, calls.length));
    if (!second.done) second = other.next(answers.slice(calls.length));
  }
  return [first.value, second.value];
}

/** The one door to SQL on the hot paths and to every transaction, the same for both engines. */
export abstract class Database {
  abstract readonly engine: Engine;

  /** Runs one statement, atomic by itself. @throws DomainError `database_unavailable` */
  abstract query<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]>;

  /** Runs all of `body` or nothing of it. @throws DomainError `database_unavailable`, and whatever `body` throws */
  abstract transaction<Result>(body: () => Steps<Result>): Promise<Result>;

  /** Runs one writing statement, atomic by itself. On SQLite, writes that arrive together share a commit. */
  abstract write<Row>(statement: Statement<Row>, values: SqlValue[]): Promise<Row[]>;

  /** Within a transaction: waits until no other transaction holds the lock of this name, and holds it until the end. */
  abstract lock(name: string): Steps<void>;

  /** Within a transaction: notifies the other processes when it commits. Those of SQLite see the change to the file themselves. */
  abstract notify(channel: string, payload: string): Steps<void>;

  /** To be awaited by background work between two batches of writes. On SQLite the server's own writes need the time. */
  abstract throttle(batchStartedAt: number): Promise<void>;

  /** Changes how long a statement waits for another process that locks the SQLite file. PostgreSQL has locks of rows only. */
  abstract setLockTimeout(milliseconds: number): void;

  /** How many connections the pool has, where there is one. */
  connections(): { busy: number; idle: number; waiting: number } | undefined {
    return undefined;
  }
}

/** A time column as RFC 3339 in UTC with three decimals: PostgreSQL gives a `Date`, SQLite the text that TypeORM stores there. */
export function toTimestamp(value: Date | string): string {
  return value instanceof Date ? value.toISOString() : `${value.replace(' ', 'T')}Z`;
}
