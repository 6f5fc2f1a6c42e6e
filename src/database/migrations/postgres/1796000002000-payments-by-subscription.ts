import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Finds the payments of a subscription whose customer is unknown. */
export class PaymentsBySubscription1796000002000 implements MigrationInterface {
  readonly name = 'PaymentsBySubscription1796000002000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE INDEX stripe_payments_by_subscription ON stripe_payments (project_id, mode, subscription_id) WHERE subscription_id IS NOT NULL`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX stripe_payments_by_subscription`);
  }
}
