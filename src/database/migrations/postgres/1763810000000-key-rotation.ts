import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeyRotation1763810000000 implements MigrationInterface {
  readonly name = 'KeyRotation1763810000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE UNIQUE INDEX data_keys_one_published ON data_keys (purpose) WHERE state = 'published'`);
    await runner.query(`
      CREATE TABLE retired_data_keys (
        id varchar(16) NOT NULL,
        purpose varchar(16) NOT NULL,
        wrapped text NOT NULL,
        master_key_id varchar(64) NOT NULL,
        created_at timestamptz(3) NOT NULL,
        retired_at timestamptz(3) NOT NULL,
        CONSTRAINT retired_data_keys_pk PRIMARY KEY (id)
      )`);
    await runner.query(`
      CREATE TABLE key_holders (
        id uuid NOT NULL,
        name varchar(300) NOT NULL,
        primary_key_id varchar(16) NOT NULL,
        held text NOT NULL,
        missing text NOT NULL,
        answered_at timestamptz(3) NOT NULL,
        CONSTRAINT key_holders_pk PRIMARY KEY (id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE key_holders`);
    await runner.query(`DROP TABLE retired_data_keys`);
    await runner.query(`DROP INDEX data_keys_one_published`);
  }
}
