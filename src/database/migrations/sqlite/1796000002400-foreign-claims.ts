import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Marks from before don't say by whose metadata, so each counts as said by its object. */
export class ForeignClaims1796000002400 implements MigrationInterface {
  readonly name = 'ForeignClaims1796000002400';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_foreign_objects RENAME TO former_foreign_objects`);
    await runner.query(`
      CREATE TABLE stripe_foreign_objects (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        object_id varchar(255) NOT NULL,
        named_by varchar(255) NOT NULL,
        is_foreign boolean NOT NULL,
        as_of datetime(3) NOT NULL,
        CONSTRAINT stripe_foreign_objects_pk PRIMARY KEY (project_id, mode, object_id),
        CONSTRAINT "stripe_foreign_objects_project_fk" FOREIGN KEY ("project_id") REFERENCES "projects" ("id")
      )`);
    await runner.query(`
      INSERT INTO stripe_foreign_objects (project_id, mode, object_id, named_by, is_foreign, as_of)
      SELECT project_id, mode, object_id, object_id, true, created_at FROM former_foreign_objects`);
    await runner.query(`DROP TABLE former_foreign_objects`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM stripe_foreign_objects WHERE NOT is_foreign AND named_by = object_id`);
    await runner.query(`ALTER TABLE stripe_foreign_objects DROP COLUMN named_by`);
    await runner.query(`ALTER TABLE stripe_foreign_objects DROP COLUMN is_foreign`);
    await runner.query(`ALTER TABLE stripe_foreign_objects RENAME COLUMN as_of TO created_at`);
  }
}
