import { isNativeError } from 'node:util/types';
import { DomainError } from '../common/errors.js';
import { ConfigurationError } from '../config/environment.js';
import { asDomainError } from '../database/database-errors.js';
import { UnreleasedSchema } from '../database/migrate.js';
import { KeyProviderUnavailable, WrongMasterKey } from '../vault/wrappers/key-wrapper.js';

/** Explanations by error code of Node, PostgreSQL or SQLite. The first match counts. */
const EXPLANATIONS: readonly [code: RegExp, explanation: string][] = [
  [/^EADDRINUSE$/, 'Another process listens on PORT: stop it, or choose another PORT.'],
  [/^EADDRNOTAVAIL$/, 'HOST is not an address of this machine.'],
  [/^(?:ENOTFOUND|EAI_AGAIN)$/, 'A host name has no address: check the one in DATABASE_URL, and HOST.'],
  [/^28P01$/, 'The database refuses the user or the password in DATABASE_URL.'],
  [
    /^28/,
    'The database admits no such connection: its pg_hba.conf has no line for this user, database, address and encryption (sslmode in DATABASE_URL), or the role may not log in.',
  ],
  [
    /^08P01$/,
    'The database, or a connection pooler before it, refuses how this program connects, such as a start-up parameter.',
  ],
  [/^53300$/, 'The database has too many connections: raise max_connections, or lower DATABASE_POOL_SIZE.'],
  [/^53/, 'The database is out of memory, disk or another resource: its own log says which.'],
  [
    /^57P03$/,
    'The database is starting up, shutting down or recovering: try again once it accepts connections.',
  ],
  [/^57P0[12]$/, 'The database was shut down while this program started: try again once it is back.'],
  [/^25006$/, 'The database only reads, as a standby does: name the primary in DATABASE_URL.'],
  [/^(?:57014|55P03|40...)$/, 'The database is busy: another session held a lock for too long. Try again.'],
  [
    /^(?:26000|42P05)$/,
    'A pooler before the database keeps no prepared statements: set DATABASE_PREPARED_STATEMENTS=false.',
  ],
  [/^3D000$/, 'The database server has no database of the name in DATABASE_URL.'],
  [
    /^42501$/,
    'The database does not allow this to the user of DATABASE_URL. Migrations, data keys and the history are for a role that owns the tables: see docs/security.md.',
  ],
  [/^(?:P0001|SQLITE_CONSTRAINT_TRIGGER)$/, 'A trigger of the database refuses the change.'],
  [/^(?:23...|SQLITE_CONSTRAINT.*)$/, 'A constraint of the database refuses the change.'],
  [/CERT|UNABLE_TO_VERIFY/, "The database server's TLS certificate can't be verified."],
  [/^SQLITE_(?:BUSY|LOCKED)/, 'Another process has locked the SQLite file of DATABASE_URL.'],
  [/^SQLITE_(?:NOTADB|CORRUPT)/, 'The file of DATABASE_URL is no SQLite database, or it is damaged.'],
  [
    /^SQLITE_|^E(?:ACCES|PERM|ROFS|NOTDIR|EXIST|NOSPC)$/,
    'The SQLite file of DATABASE_URL can not be opened and written: check its path, permissions and disk.',
  ],
];
const MAY_NOT_LISTEN = 'This user may not listen on PORT: choose one above 1023.';
const NO_ANSWER =
  'The database of DATABASE_URL (or DATABASE_DIRECT_URL) does not answer: is it running, and can this machine reach it?';

/** Explains a failed start. Never quotes the driver, whose message may contain the database's password. */
export function explainStartFailure(error: unknown): string {
  return error instanceof ConfigurationError
    ? error.message
    : `Tillkeeper could not start. ${explainFailure(error)}`;
}

/** Explains an error in one or two sentences. */
export function explainFailure(error: unknown): string {
  if (error instanceof KeyProviderUnavailable) return error.reason;
  const explainsItself = [ConfigurationError, UnreleasedSchema, WrongMasterKey].some(
    (kind) => error instanceof kind,
  );
  return error instanceof Error && explainsItself ? error.message : explain(error);
}

function explain(error: unknown): string {
  const failure = rootOf(error);
  if (!isError(failure)) return 'The reason is unknown.';
  const code = 'code' in failure && typeof failure.code === 'string' ? failure.code : '';
  const explanation = explanationOf(failure, code);
  return explanation
    ? `${explanation}${code && ` (${code})`}`
    : `It failed with ${failure.name}${code && ` (${code})`}.`;
}

/**
 * Recognizes errors of another realm too: in Jest, Node's errors have another `Error` class, and SQLite's are
 * not native.
 */
function isError(value: unknown): value is Error {
  if (value instanceof Error || isNativeError(value)) return true;
  return typeof value === 'object' && value !== null && 'stack' in value && 'message' in value;
}

function rootOf(error: unknown): unknown {
  // Contains one error for each address of a host name.
  if (error instanceof AggregateError) return error.errors[0];
  return error instanceof DomainError ? error.cause : error;
}

function explanationOf(failure: Error, code: string): string | undefined {
  if (code === 'EACCES' && 'syscall' in failure && failure.syscall === 'listen') return MAY_NOT_LISTEN;
  const known = EXPLANATIONS.find(([pattern]) => pattern.test(code));
  if (known) return known[1];
  return asDomainError(failure) instanceof DomainError ? NO_ANSWER : undefined;
}
