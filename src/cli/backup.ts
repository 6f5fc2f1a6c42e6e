import { randomUUID } from 'node:crypto';
import { constants, lstatSync } from 'node:fs';
import { access, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Command } from 'commander';
import type { Secret } from '../common/secret.js';
import type { MasterKeySource } from '../config/settings.js';
import { createDataSource, lacksFile } from '../database/data-source.js';
import { DataKeyEntity } from '../vault/keys/data-key.entity.js';
import { CommandFailed, type Report } from './output.js';
import type { Runner, Session } from './session.js';

const SQLITE_LOCK_TIMEOUT_MS = 10_000;
const PAGES_AT_ONCE = 1_000;

/** Parameters of an address that both pg and PostgreSQL's programs understand. Excludes the password. */
const ADDRESS_PARAMETERS = ['host', 'port', 'user', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'];

export function addTo(program: Command, run: Runner): void {
  program
    .command('backup')
    .summary('copy the database to a file, even while a server runs')
    .description(
      'Copies one consistent state of a SQLite database, checks the copy, and names the master key that belongs to it. For PostgreSQL it prints the command to run. Overwrites no file.',
    )
    .argument('<file>', 'path of the new file')
    .action(run(backup));
}

async function backup(session: Session, given: string): Promise<Report> {
  const file = resolve(given);
  const { database, directDatabase, masterKeys } = session.storeSettings;
  await assertFree(file);
  if (directDatabase.url) return commandFor(directDatabase.url, file, whereIs(masterKeys));
  if (database.file === undefined || lacksFile(database))
    throw new CommandFailed('There is no database at the path of DATABASE_URL.');
  const { bytes, masterKeyIds } = await copyTo(file, database.file, session);
  const kept = whereIs(masterKeys);
  return {
    text: [
      `Copied the database to ${file} (${bytes} bytes), and checked the copy.`,
      masterKeyIds.length > 0
        ? `Its data keys are wrapped by master key ${masterKeyIds.join(', ')}.`
        : 'It has no data keys yet.',
      adviceOn(kept),
    ].join('\n'),
    json: { engine: 'sqlite', file, bytes, master_keys: masterKeyIds, keep_too: kept },
  };
}

async function assertFree(file: string): Promise<void> {
  if (lstatSync(file, { throwIfNoEntry: false })) throw taken();
  try {
    await access(dirname(file), constants.W_OK);
  } catch {
    throw new CommandFailed('The folder of the backup is missing, or this user may not write to it.');
  }
}

function taken(): CommandFailed {
  return new CommandFailed(
    'There is a file of this name already, and it is not overwritten: choose another name.',
  );
}

/** Writes and checks a draft, then renames it. */
async function copyTo(
  file: string,
  from: string,
  session: Session,
): Promise<{ bytes: number; masterKeyIds: string[] }> {
  const draft = `${file}.${randomUUID()}`;
  try {
    // SQLite would create the draft with the permissions of the umask.
    await (await open(draft, 'wx', 0o600)).close();
    await copy(from, draft, session);
    const masterKeyIds = await examine(draft);
    const copied = await open(draft, 'r+');
    await copied.sync().finally(() => copied.close());
    await reserve(file);
    await rename(draft, file);
    return { bytes: (await stat(file)).size, masterKeyIds };
  } catch (error) {
    throw isFull(error) ? new CommandFailed('There is no room for the backup: choose another disk.') : error;
  } finally {
    await Promise.all(
      ['', '-wal', '-shm', '-journal'].map((suffix) => rm(`${draft}${suffix}`, { force: true })),
    );
  }
}

/** Claims the name, because `rename` would replace a file created meanwhile. */
async function reserve(file: string): Promise<void> {
  try {
    await (await open(file, 'wx', 0o600)).close();
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? taken() : error;
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error && 'code' in error ? String(error.code) : '';
}

/** Copies in interruptible steps. The read transaction keeps writes of a server from restarting the copy. */
async function copy(from: string, draft: string, session: Session): Promise<void> {
  const source = new Sqlite(from, { fileMustExist: true, timeout: SQLITE_LOCK_TIMEOUT_MS });
  try {
    source.exec('BEGIN');
    source.pragma('schema_version');
    const bar = session.progress('Copying', Number(source.pragma('page_count', { simple: true })));
    let done = 0;
    const progress = ({
      totalPages,
      remainingPages,
    }: {
      totalPages: number;
      remainingPages: number;
    }): number => {
      session.signal.throwIfAborted();
      bar.add(totalPages - remainingPages - done);
      done = totalPages - remainingPages;
      return PAGES_AT_ONCE;
    };
    await source.backup(draft, { progress });
  } finally {
    source.close();
  }
}

/** Checks the copy. @returns ids of its master keys @throws CommandFailed if the copy is damaged */
async function examine(draft: string): Promise<string[]> {
  const copied = await createDataSource({ file: draft }, 1, [DataKeyEntity]).initialize();
  try {
    const [check] = await copied.query<{ quick_check: string }[]>('PRAGMA quick_check');
    if (check?.quick_check !== 'ok')
      throw new CommandFailed('The copy is damaged, and so may be the database: keep the older backups.');
    const columns = await copied.query<unknown[]>('PRAGMA table_info(data_keys)');
    const keys = columns.length > 0 ? await copied.getRepository(DataKeyEntity).find() : [];
    return [...new Set(keys.map(({ masterKeyId }) => masterKeyId))].sort();
  } finally {
    await copied.destroy();
  }
}

function commandFor(url: Secret, file: string, kept: readonly string[]): Report {
  const command = `(umask 077; pg_dump --format=custom --file=${quoted(file)} ${quoted(withoutPassword(url))})`;
  const note =
    'Tillkeeper makes no backups of PostgreSQL. Run this, which asks for the password unless PGPASSWORD or a .pgpass file has it:';
  return {
    text: [
      note,
      '',
      command,
      '',
      'pg_restore --no-owner --dbname=<address of an empty database> <file> restores it.',
      adviceOn(kept),
    ].join('\n'),
    json: { engine: 'postgres', command, keep_too: kept },
  };
}

function withoutPassword(secret: Secret): string {
  const url = new URL(secret.reveal());
  url.password = '';
  for (const name of [...url.searchParams.keys()])
    if (!ADDRESS_PARAMETERS.includes(name)) url.searchParams.delete(name);
  // PostgreSQL's programs don't support this mode of pg.
  if (url.searchParams.get('sslmode') === 'no-verify') url.searchParams.set('sslmode', 'require');
  return url.href;
}

/** Quotes the text as one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function adviceOn(kept: readonly string[]): string {
  return `Without its master key a backup opens no credential. Keep it as well, and elsewhere: ${kept.join('; ') || 'no master key is configured here, see the settings of the server'}.`;
}

function whereIs(sources: readonly MasterKeySource[]): string[] {
  return sources.map((source) => {
    switch (source.provider) {
      case 'local':
        return source.place;
      case 'vault':
        return `transit key ${source.keys.join(', ')} in Vault at ${source.address}, by a backup of Vault`;
      case 'aws-kms':
        return `key ${source.keys.join(', ')} in AWS KMS, which must not be deleted there`;
    }
  });
}
