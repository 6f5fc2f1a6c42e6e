import type { MigrationInterface, QueryRunner } from 'typeorm';
import { type Engine, engineOf } from '../database.js';
import { keepEventDaysIn } from './event-partitions.js';
import { FUNCTIONS, triggersOf } from './history-triggers.js';
import { indexesOf, tablesOf } from './initial-tables.js';

/** Free space on the pages of frequently updated tables allows updates without index changes (HOT). */
const UPDATED_TABLES = ['stripe_configs', 'stripe_credentials', 'audit_heads'];

/** Tables with a partition for each day on PostgreSQL, which a periodic task makes and drops. */
const DAILY_TABLES = ['event_deliveries'];

const partitioningOf = (engine: Engine, table: string) =>
  engine === 'postgres' && DAILY_TABLES.includes(table) ? ' PARTITION BY LIST (day)' : '';

/**
 * The whole schema of both engines. Until 1.0.0 changes are made here instead of in further migrations. Raise
 * the number in the name with each: a database of an earlier schema is then refused with a message.
 */
export class Initial1796100000010 implements MigrationInterface {
  readonly name = 'Initial1796100000010';

  async up(runner: QueryRunner): Promise<void> {
    const engine = engineOf(runner.dataSource);
    for (const [table, columns] of Object.entries(tablesOf(engine)))
      await runner.query(`CREATE TABLE ${table} (${columns})${partitioningOf(engine, table)}`);
    for (const index of indexesOf(engine)) await runner.query(`CREATE ${index}`);
    if (engine === 'postgres') {
      // Holds rows of days whose partition could not be made in time.
      for (const table of DAILY_TABLES)
        await runner.query(`CREATE TABLE ${table}_default PARTITION OF ${table} DEFAULT`);
      const [{ schema }] = (await runner.query('SELECT current_schema() AS schema')) as [{ schema: string }];
      await runner.query(keepEventDaysIn(schema));
      await runner.query('SELECT keep_event_days(current_date)');
      for (const table of UPDATED_TABLES) await runner.query(`ALTER TABLE ${table} SET (fillfactor = 85)`);
      for (const [name, body] of Object.entries(FUNCTIONS))
        await runner.query(`CREATE FUNCTION ${name}() ${body}`);
    }
    for (const [name, definition] of Object.entries(triggersOf(engine)))
      await runner.query(`CREATE TRIGGER ${name} ${definition}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    const engine = engineOf(runner.dataSource);
    for (const table of Object.keys(tablesOf(engine)).reverse()) await runner.query(`DROP TABLE ${table}`);
    if (engine === 'postgres')
      for (const name of [...Object.keys(FUNCTIONS), 'keep_event_days'])
        await runner.query(`DROP FUNCTION ${name}`);
  }
}
