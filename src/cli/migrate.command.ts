import type { Command } from 'commander';
import { createMigrationDataSource } from '../database/data-source.js';
import { migrate } from '../database/migrate.js';
import { ENTITIES } from '../bootstrap/entities.js';
import { Keyring } from '../vault/keys/keyring.js';
import { reporting } from './output.js';
import type { Session } from './session.js';

export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .summary('bring the database schema up to date')
    .description(
      'Runs the migrations that did not run yet, all or none of them. Several at once, or beside servers that start, wait for each other. Where a master key is configured it also makes the data keys that are missing; otherwise the first server does.',
    )
    .action(
      reporting(async (session) => {
        const { directDatabase, masterKeys } = session.storeSettings;
        const migrations = await migrate(createMigrationDataSource(directDatabase, ENTITIES));
        const made = masterKeys.length > 0 ? await makeDataKeys(session) : [];
        const text = [
          ...(migrations.length === 0 ? ['The schema is up to date.'] : ['Done:', ...migrations]),
          ...(made.length === 0 ? [] : [`Made the data keys for: ${made.join(', ')}.`]),
        ].join('\n');
        return { text, json: { migrations, data_keys_made: made } };
      }),
    );
}

/** So that the role of the servers needs no right to write data keys. */
async function makeDataKeys(session: Session): Promise<string[]> {
  return (await session.servicesWithoutKeys([])).get(Keyring).makeMissing();
}
