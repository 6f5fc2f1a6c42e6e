import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AccountChanges1796000002300 implements MigrationInterface {
  readonly name = 'AccountChanges1796000002300';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_subscriptions ADD COLUMN confirmed_by varchar(32)`);
    await runner.query(`ALTER TABLE stripe_credentials ADD COLUMN made_with varchar(32)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_credentials DROP COLUMN made_with`);
    await runner.query(`ALTER TABLE stripe_subscriptions DROP COLUMN confirmed_by`);
  }
}
