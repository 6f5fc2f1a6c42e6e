import type { MigrationInterface, QueryRunner } from 'typeorm';

export class RefundTimes1763870000000 implements MigrationInterface {
  readonly name = 'RefundTimes1763870000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_payments ADD COLUMN refunded_as_of timestamptz(3)`);
    await runner.query(`UPDATE stripe_payments SET refunded_as_of = as_of WHERE refunded_amount_cents > 0`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_payments DROP COLUMN refunded_as_of`);
  }
}
