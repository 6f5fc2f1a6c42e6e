import type { Command } from 'commander';
import { createMigrationDataSource } from '../database/data-source.js';
import { migrate } from '../database/migrate.js';
import { ENTITIES } from '../entities.js';
import { reporting } from './reporting.js';

export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .summary('bring the database schema up to date')
    .description(
      'Runs the migrations that did not run yet, all or none of them. Several at once, or beside servers that start, wait for each other.',
    )
    .action(
      reporting(async ({ settings }) => {
        const migrations = await migrate(createMigrationDataSource(settings.database, ENTITIES));
        const text = migrations.length === 0 ? 'The schema is up to date.' : ['Done:', ...migrations].join('\n');
        return { text, json: { migrations } };
      }),
    );
}
