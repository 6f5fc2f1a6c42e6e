import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeyAccounts1796000002100 implements MigrationInterface {
  readonly name = 'KeyAccounts1796000002100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE stripe_key_accounts (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        fingerprint varchar(32) NOT NULL,
        account_id varchar(64) NOT NULL,
        learned_at datetime(3) NOT NULL,
        CONSTRAINT stripe_key_accounts_pk PRIMARY KEY (project_id, mode, fingerprint),
        CONSTRAINT "stripe_key_accounts_config_fk" FOREIGN KEY ("project_id") REFERENCES "stripe_configs" ("project_id")
      )`);
    await runner.query(`CREATE INDEX stripe_key_accounts_by_account ON stripe_key_accounts (account_id, mode)`);
    await runner.query(`
      INSERT INTO stripe_key_accounts (project_id, mode, fingerprint, account_id, learned_at)
      SELECT project_id, mode, fingerprint, account_id, checked_at FROM stripe_key_checks WHERE account_id IS NOT NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE stripe_key_accounts`);
  }
}
