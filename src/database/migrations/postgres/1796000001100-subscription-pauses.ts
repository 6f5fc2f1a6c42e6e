import type { MigrationInterface, QueryRunner } from 'typeorm';

const COLUMNS = { pause_behavior: 'varchar(32)', pause_resumes_at: 'timestamptz(3)', pause_reason: 'varchar(64)' };

export class SubscriptionPauses1796000001100 implements MigrationInterface {
  readonly name = 'SubscriptionPauses1796000001100';

  async up(runner: QueryRunner): Promise<void> {
    for (const [name, type] of Object.entries(COLUMNS)) await runner.query(`ALTER TABLE stripe_subscriptions ADD COLUMN ${name} ${type}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of Object.keys(COLUMNS)) await runner.query(`ALTER TABLE stripe_subscriptions DROP COLUMN ${name}`);
  }
}
