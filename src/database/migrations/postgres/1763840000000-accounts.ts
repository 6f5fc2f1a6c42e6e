import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Accounts1763840000000 implements MigrationInterface {
  readonly name = 'Accounts1763840000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE accounts (
        id uuid NOT NULL,
        email varchar(254) NOT NULL,
        password_hash varchar(255) NOT NULL,
        full_name varchar(255),
        created_at timestamptz(3) NOT NULL,
        revoked_at timestamptz(3),
        CONSTRAINT accounts_pk PRIMARY KEY (id),
        CONSTRAINT accounts_email_unique UNIQUE (email)
      )`);
    await runner.query(`
      CREATE TABLE account_sessions (
        id uuid NOT NULL,
        account_id uuid NOT NULL,
        token_hash varchar(43) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT account_sessions_pk PRIMARY KEY (id),
        CONSTRAINT account_sessions_account_fk FOREIGN KEY (account_id) REFERENCES accounts (id)
      )`);
    await runner.query(`CREATE INDEX account_sessions_by_account ON account_sessions (account_id)`);
    await runner.query(`CREATE INDEX account_sessions_by_expiry ON account_sessions (expires_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE account_sessions`);
    await runner.query(`DROP TABLE accounts`);
  }
}
