import { asDomainError } from '../database/database-errors.js';
import { explainStartFailure } from './start-failure.js';

const failure = (code: string, more: object = {}): Error =>
  Object.assign(new Error('for app:hunter2@db'), { code, ...more });

it.each([
  ['Another process listens on PORT', failure('EADDRINUSE')],
  ['may not listen on PORT', failure('EACCES', { syscall: 'listen' })],
  ['The SQLite file', failure('EACCES', { syscall: 'mkdir' })],
  ['HOST is not an address', failure('EADDRNOTAVAIL')],
  ['A host name has no address', failure('ENOTFOUND')],
  ['refuses the user or the password', failure('28P01')],
  ['pg_hba.conf has no line', failure('28000')],
  ['refuses how this program connects', failure('08P01')],
  ['too many connections', asDomainError(failure('53300'))],
  ['out of memory, disk', failure('53200')],
  ['only reads, as a standby does', asDomainError(failure('25006'))],
  ['another session held a lock', asDomainError(failure('57014'))],
  ['was shut down while', asDomainError(failure('57P01'))],
  ['no database of the name', failure('3D000')],
  ['does not allow this to the user of DATABASE_URL', failure('42501')],
  ['A trigger of the database refuses', failure('P0001')],
  ['A trigger of the database refuses', failure('SQLITE_CONSTRAINT_TRIGGER')],
  ['A constraint of the database refuses', failure('23503')],
  ['TLS certificate', failure('SELF_SIGNED_CERT_IN_CHAIN')],
  ['The SQLite file', failure('SQLITE_CANTOPEN')],
  ['no SQLite database', failure('SQLITE_NOTADB')],
  ['has locked the SQLite file', failure('SQLITE_BUSY')],
  ['does not answer', new AggregateError([failure('ECONNREFUSED')], 'for app:hunter2@db')],
  ['is starting up, shutting down', asDomainError(failure('57P03'))],
  ['does not answer', asDomainError(failure('08006'))],
  ['does not answer', new Error('Connection terminated due to connection timeout, app:hunter2')],
  ['It failed with Error (SOMETHING_ELSE).', failure('SOMETHING_ELSE')],
  ['The reason is unknown.', 'hunter2'],
])('says "%s" and never the message', (explanation, error) => {
  const text = explainStartFailure(error);
  expect(text).toContain(explanation);
  expect(text).not.toContain('hunter2');
});
