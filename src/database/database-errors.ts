import { QueryFailedError } from 'typeorm';
import { DomainError } from '../common/errors.js';

const RETRY_AFTER_SECONDS = 2;

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/**
 * SQLSTATE classes and codes (appendix A of PostgreSQL's manual) of temporary failures: connection exceptions
 * (08), insufficient resources (53), operator intervention (57P), read-only server after a failover (25006),
 * serialization and deadlock (40), a transaction that was idle for too long (25P03), and prepared statements
 * that a pooler gave to another connection (26000, 42P05).
 */
const POSTGRES_UNAVAILABLE = /^(?:08...|53...|57P..|57014|25006|25P03|26000|40001|40P01|42P05|55P03)$/;

/** SQLite result codes (sqlite.org/rescode.html) of a locked, full, unreadable or missing file. */
const SQLITE_UNAVAILABLE = /^SQLITE_(?:BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY|NOTADB|PROTOCOL)/;

/** Messages of the pool and the client, which have no code. */
const DRIVER_UNAVAILABLE =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout|Driver not Connected|The database connection is not open)/;

function isUnavailable(error: unknown): boolean {
  if (error instanceof QueryFailedError) return isUnavailable(error.driverError);
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  const code = textIn(error, 'code');
  const message = textIn(error, 'message');
  return (
    UNREACHABLE.has(code) ||
    POSTGRES_UNAVAILABLE.test(code) ||
    SQLITE_UNAVAILABLE.test(code) ||
    DRIVER_UNAVAILABLE.test(message)
  );
}

/** Whether the server is read-only, such as a former primary after a failover. */
export function isReadOnlyServer(error: unknown): boolean {
  return textIn(error, 'code') === '25006';
}

/**
 * Whether a prepared statement is missing or exists already, because a pooler gave the connection to another
 * client.
 */
export function lacksPreparedStatement(error: unknown): boolean {
  return ['26000', '42P05'].includes(textIn(error, 'code'));
}

/** Whether a row refers to a missing row, or a deleted row is still referred to. */
export function isForeignKeyViolation(error: unknown): boolean {
  if (error instanceof QueryFailedError) return isForeignKeyViolation(error.driverError);
  return ['23503', 'SQLITE_CONSTRAINT_FOREIGNKEY'].includes(textIn(error, 'code'));
}

/**
 * Reads a property of a driver's error. `instanceof Error` fails in tests, which load modules more than once.
 */
function textIn(error: unknown, property: string): string {
  const value: unknown = typeof error === 'object' && error ? Reflect.get(error, property) : undefined;
  return typeof value === 'string' ? value : '';
}

/** Whether a concurrent transaction inserted the row. On SQLite transactions are not concurrent. */
export function isUniqueViolation(error: unknown): boolean {
  return textIn(error, 'code') === '23505';
}

/**
 * Converts errors of an unreachable or busy database to DomainError `database_unavailable`. Returns other
 * errors unchanged.
 */
export function asDomainError(error: unknown): unknown {
  if (!isUnavailable(error)) return error;
  return new DomainError(
    'database_unavailable',
    'The database is not available at the moment; try again shortly.',
    {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      cause: error,
    },
  );
}

/** Applies `asDomainError` to a promise of TypeORM. */
export async function reachingDatabase<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw asDomainError(error);
  }
}

export function isDatabaseUnavailable(error: unknown): error is DomainError {
  return error instanceof DomainError && error.code === 'database_unavailable';
}
