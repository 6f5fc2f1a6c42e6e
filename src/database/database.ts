import type { DataSource } from 'typeorm';

export type Engine = 'sqlite' | 'postgres';

export function engineOf({ options }: DataSource): Engine {
  return options.type === 'postgres' ? 'postgres' : 'sqlite';
}

/** A value that both engines bind alike; times travel as `Date`. */
export type SqlValue = string | number | boolean | Date | null;

/** One SQL text for both engines, with `$1`-style parameters; `name` makes it a prepared statement on PostgreSQL. */
export interface Statement<Row> {
  readonly name: string;
  readonly text: string;
  /** Never set: carries the row's type. */
  readonly row?: Row;
}

export function sql<Row>(name: string, text: string): Statement<Row> {
  return { name, text };
}

export interface StatementCall {
  readonly statement: Statement<unknown>;
  readonly values: SqlValue[];
  /** Whether the transaction goes on without its rows. */
  readonly isUnread?: boolean;
}

/**
 * The body of a transaction: a generator that yields statements and gets the rows of each. A generator can't `await`, so a transaction can
 * wait for nothing but its own statements: not for the network, and on SQLite, where it runs in one go, not even for another request.
 */
export type Transaction<Result> = Generator<readonly StatementCall[], Result, readonly unknown[][]>;

/** Runs one statement inside a transaction: `const rows = yield* run(statement, values)`. */
export function* run<Row>(statement: Statement<Row>, values: SqlValue[]): Transaction<Row[]> {
  const [rows = []] = yield [{ statement, values }];
  return rows as Row[];
}

/** The same for a statement without rows. On PostgreSQL it goes with the next one; if it fails, so does the transaction, then. */
export function* send(statement: Statement<never>, values: SqlValue[]): Transaction<void> {
  yield [{ statement, values, isUnread: true }];
}

/** Runs two bodies step by step, each step of both in one message. What one writes, the other may not see. */
export function* together<A, B>(one: Transaction<A>, other: Transaction<B>): Transaction<[A, B]> {
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
  abstract transaction<Result>(body: () => Transaction<Result>): Promise<Result>;

  /** How many connections the pool has, where there is one. */
  connections(): { busy: number; idle: number; waiting: number } | undefined {
    return undefined;
  }
}

/** A time column as RFC 3339 in UTC with three decimals: PostgreSQL gives a `Date`, SQLite the text that TypeORM stores there. */
export function toTimestamp(value: Date | string): string {
  return value instanceof Date ? value.toISOString() : `${value.replace(' ', 'T')}Z`;
}
