import type { MigrationInterface, QueryRunner } from 'typeorm';

export class PaymentSources1796000001000 implements MigrationInterface {
  readonly name = 'PaymentSources1796000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_payments ADD COLUMN source varchar(16) NOT NULL DEFAULT 'stripe'`);
    await runner.query(`ALTER TABLE ledger_revenue ADD COLUMN out_of_band_cents bigint NOT NULL DEFAULT 0`);
    // Stripe collected nothing of what stands under an invoice's own id.
    await runner.query(`UPDATE stripe_payments SET source = 'out_of_band' WHERE payment_intent_id LIKE 'in\\_%'`);
    await runner.query(`
      INSERT INTO ledger_revenue AS r (project_id, mode, currency, slot, payments, gross_cents, net_cents, out_of_band_cents)
      SELECT project_id, mode, currency, (strpos('0123456789abcdef', right(id::text, 1)) - 1) % 8, 0, 0, 0, SUM(amount_cents)
      FROM stripe_payments
      WHERE source = 'out_of_band' AND status IN ('succeeded', 'partially_refunded', 'refunded')
      GROUP BY 1, 2, 3, 4
      ON CONFLICT (project_id, mode, currency, slot) DO UPDATE SET out_of_band_cents = excluded.out_of_band_cents`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE ledger_revenue DROP COLUMN out_of_band_cents`);
    await runner.query(`ALTER TABLE stripe_payments DROP COLUMN source`);
  }
}
