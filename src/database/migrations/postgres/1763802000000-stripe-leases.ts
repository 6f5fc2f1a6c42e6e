import type { MigrationInterface, QueryRunner } from 'typeorm';

export class StripeLeases1763802000000 implements MigrationInterface {
  readonly name = 'StripeLeases1763802000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_credentials ADD COLUMN known_to_stripe boolean`);
    await runner.query(`
      CREATE TABLE stripe_webhook_endpoint_leases (
        project_id uuid NOT NULL,
        mode varchar(4) NOT NULL,
        holder varchar(36) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT stripe_webhook_endpoint_leases_pk PRIMARY KEY (project_id, mode),
        CONSTRAINT stripe_webhook_endpoint_leases_config_fk FOREIGN KEY (project_id) REFERENCES stripe_configs (project_id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE stripe_webhook_endpoint_leases`);
    await runner.query(`ALTER TABLE stripe_credentials DROP COLUMN known_to_stripe`);
  }
}
