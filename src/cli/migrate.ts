import type { Command } from 'commander';
import { createMigrationDataSource } from '../database/data-source.js';
import { migrate as runMigrations } from '../database/migrate.js';
import { Keyring } from '../vault/keys/keyring.js';
import type { Report } from './output.js';
import type { Runner, Session } from './session.js';

export function addTo(program: Command, run: Runner): void {
  program
    .command('migrate')
    .summary('bring the database schema up to date')
    .description(
      'Runs the missing migrations: all or none. Concurrent runs and starting servers wait for each other. If a master key is configured, it also makes the missing data keys; otherwise the first server does.',
    )
    .action(run(migrate));
}

async function migrate(session: Session): Promise<Report> {
  const { directDatabase, masterKeys } = session.storeSettings;
  const migrations = await runMigrations(createMigrationDataSource(directDatabase));
  const made = masterKeys.length > 0 ? await makeDataKeys(session) : [];
  const text = [
    ...(migrations.length === 0 ? ['The schema is up to date.'] : ['Done:', ...migrations]),
    ...(made.length === 0 ? [] : [`Made the data keys for: ${made.join(', ')}.`]),
  ].join('\n');
  return { text, json: { migrations, data_keys_made: made } };
}

/** Creates data keys here, so that the servers' database role needs no right to insert them. */
async function makeDataKeys(session: Session): Promise<string[]> {
  return (await session.open({ imports: [], keys: 'none' })).get(Keyring).makeMissing();
}
