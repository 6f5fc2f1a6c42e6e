import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Billing1763850000000 implements MigrationInterface {
  readonly name = 'Billing1763850000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE idempotency_keys (
        project_id uuid NOT NULL,
        scope varchar(32) NOT NULL,
        request varchar(32) NOT NULL,
        holder uuid NOT NULL,
        lease_until timestamptz(3) NOT NULL,
        answer text,
        key_id varchar(16),
        created_at timestamptz(3) NOT NULL,
        CONSTRAINT idempotency_keys_pk PRIMARY KEY (project_id, scope),
        CONSTRAINT idempotency_keys_key_fk FOREIGN KEY (key_id) REFERENCES data_keys (id)
      )`);
    await runner.query(`CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)`);
    await runner.query(`CREATE INDEX idempotency_keys_by_key ON idempotency_keys (key_id)`);
    await runner.query(`
      CREATE TABLE stripe_customers (
        project_id uuid NOT NULL,
        mode varchar(4) NOT NULL,
        account varchar(32) NOT NULL,
        user_id uuid NOT NULL,
        customer_id varchar(255) NOT NULL,
        generation integer NOT NULL,
        created_at timestamptz(3) NOT NULL,
        CONSTRAINT stripe_customers_pk PRIMARY KEY (project_id, mode, account, user_id),
        CONSTRAINT stripe_customers_config_fk FOREIGN KEY (project_id) REFERENCES stripe_configs (project_id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE stripe_customers`);
    await runner.query(`DROP TABLE idempotency_keys`);
  }
}
