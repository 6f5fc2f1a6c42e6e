import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ForeignObjects1796000002200 implements MigrationInterface {
  readonly name = 'ForeignObjects1796000002200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE stripe_foreign_objects (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        object_id varchar(255) NOT NULL,
        created_at datetime(3) NOT NULL,
        CONSTRAINT stripe_foreign_objects_pk PRIMARY KEY (project_id, mode, object_id),
        CONSTRAINT "stripe_foreign_objects_project_fk" FOREIGN KEY ("project_id") REFERENCES "projects" ("id")
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE stripe_foreign_objects`);
  }
}
