import type { MigrationInterface, QueryRunner } from 'typeorm';

export class StripeConnection1763760000000 implements MigrationInterface {
  readonly name = 'StripeConnection1763760000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_credentials ADD COLUMN replaced_account_fingerprint varchar(32)`);
    await runner.query(`
      CREATE TABLE stripe_key_checks (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        fingerprint varchar(32) NOT NULL,
        valid boolean NOT NULL,
        account_id varchar(64),
        account_name varchar(255),
        checked_at datetime(3) NOT NULL,
        checked_by varchar(16) NOT NULL,
        error varchar(1000),
        CONSTRAINT stripe_key_checks_pk PRIMARY KEY (project_id, mode),
        CONSTRAINT "stripe_key_checks_config_fk" FOREIGN KEY ("project_id") REFERENCES "stripe_configs" ("project_id")
      )`);
    await runner.query(`
      CREATE TABLE stripe_webhook_endpoints (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        endpoint_id varchar(255) NOT NULL,
        secret_fingerprint varchar(32) NOT NULL,
        created_at datetime(3) NOT NULL,
        CONSTRAINT stripe_webhook_endpoints_pk PRIMARY KEY (project_id, mode),
        CONSTRAINT "stripe_webhook_endpoints_config_fk" FOREIGN KEY ("project_id") REFERENCES "stripe_configs" ("project_id")
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE stripe_webhook_endpoints`);
    await runner.query(`DROP TABLE stripe_key_checks`);
    await runner.query(`ALTER TABLE stripe_credentials DROP COLUMN replaced_account_fingerprint`);
  }
}
