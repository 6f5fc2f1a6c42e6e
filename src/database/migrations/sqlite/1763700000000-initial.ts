import type { MigrationInterface, QueryRunner } from 'typeorm';

/** TypeORM reads the names of unique and foreign keys from the text that SQLite keeps, and finds only quoted ones. */
export class Initial1763700000000 implements MigrationInterface {
  readonly name = 'Initial1763700000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE projects (
        id varchar NOT NULL,
        owner_id varchar(255) NOT NULL,
        name varchar(255) NOT NULL,
        description varchar(1000),
        created_at datetime(3) NOT NULL,
        updated_at datetime(3) NOT NULL,
        deleted_at datetime(3),
        CONSTRAINT projects_pk PRIMARY KEY (id)
      )`);
    await runner.query(`CREATE INDEX projects_by_owner ON projects (owner_id, created_at, id)`);
    await runner.query(`
      CREATE TABLE data_keys (
        id varchar(16) NOT NULL,
        purpose varchar(16) NOT NULL,
        state varchar(16) NOT NULL,
        wrapped text NOT NULL,
        master_key_id varchar(64) NOT NULL,
        created_at datetime(3) NOT NULL,
        CONSTRAINT data_keys_pk PRIMARY KEY (id)
      )`);
    await runner.query(`CREATE UNIQUE INDEX data_keys_one_primary ON data_keys (purpose) WHERE state = 'primary'`);
    await runner.query(`
      CREATE TABLE stripe_configs (
        project_id varchar NOT NULL,
        id varchar NOT NULL,
        is_active boolean NOT NULL,
        version integer NOT NULL,
        created_at datetime(3) NOT NULL,
        updated_at datetime(3) NOT NULL,
        CONSTRAINT stripe_configs_pk PRIMARY KEY (project_id),
        CONSTRAINT "stripe_configs_id_unique" UNIQUE ("id"),
        CONSTRAINT "stripe_configs_project_fk" FOREIGN KEY ("project_id") REFERENCES "projects" ("id")
      )`);
    await runner.query(`
      CREATE TABLE stripe_credentials (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        kind varchar(32) NOT NULL,
        slot smallint NOT NULL,
        sealed text NOT NULL,
        key_id varchar(16) NOT NULL,
        mask varchar(32) NOT NULL,
        fingerprint varchar(32) NOT NULL,
        account_fingerprint varchar(32),
        looks_cut_off boolean NOT NULL,
        written_at datetime(3) NOT NULL,
        valid_until datetime(3),
        CONSTRAINT stripe_credentials_pk PRIMARY KEY (project_id, mode, kind, slot),
        CONSTRAINT "stripe_credentials_config_fk" FOREIGN KEY ("project_id") REFERENCES "stripe_configs" ("project_id"),
        CONSTRAINT "stripe_credentials_key_fk" FOREIGN KEY ("key_id") REFERENCES "data_keys" ("id")
      )`);
    await runner.query(`CREATE INDEX stripe_credentials_by_key ON stripe_credentials (key_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['stripe_credentials', 'stripe_configs', 'data_keys', 'projects']) await runner.query(`DROP TABLE ${table}`);
  }
}
