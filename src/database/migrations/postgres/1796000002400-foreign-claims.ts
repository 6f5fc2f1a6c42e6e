import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Marks from before don't say by whose metadata, so each counts as said by its object. */
export class ForeignClaims1796000002400 implements MigrationInterface {
  readonly name = 'ForeignClaims1796000002400';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_foreign_objects ADD COLUMN named_by varchar(255), ADD COLUMN is_foreign boolean`);
    await runner.query(`UPDATE stripe_foreign_objects SET named_by = object_id, is_foreign = true`);
    await runner.query(`ALTER TABLE stripe_foreign_objects ALTER COLUMN named_by SET NOT NULL, ALTER COLUMN is_foreign SET NOT NULL`);
    await runner.query(`ALTER TABLE stripe_foreign_objects RENAME COLUMN created_at TO as_of`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_foreign_objects RENAME COLUMN as_of TO created_at`);
    await runner.query(`DELETE FROM stripe_foreign_objects WHERE NOT is_foreign AND named_by = object_id`);
    await runner.query(`ALTER TABLE stripe_foreign_objects DROP COLUMN is_foreign, DROP COLUMN named_by`);
  }
}
