import type { MigrationInterface, QueryRunner } from 'typeorm';

export class WebhookSecretOverlap1763805000000 implements MigrationInterface {
  readonly name = 'WebhookSecretOverlap1763805000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_credentials ADD COLUMN replacements integer NOT NULL DEFAULT 0`);
    await runner.query(`CREATE INDEX stripe_credentials_by_end ON stripe_credentials (valid_until) WHERE valid_until IS NOT NULL`);
  }

  /** An older version has no use for former secrets, and would not destroy them. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM stripe_credentials WHERE slot > 0`);
    await runner.query(`DROP INDEX stripe_credentials_by_end`);
    await runner.query(`ALTER TABLE stripe_credentials DROP COLUMN replacements`);
  }
}
