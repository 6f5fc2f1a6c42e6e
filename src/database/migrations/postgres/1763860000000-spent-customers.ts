import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SpentCustomers1763860000000 implements MigrationInterface {
  readonly name = 'SpentCustomers1763860000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_customers ALTER COLUMN customer_id DROP NOT NULL`);
    // Whose the customers are that were made so far; from now on the ledger is told.
    await runner.query(`
      INSERT INTO stripe_user_links (project_id, mode, object_id, user_id, as_of)
      SELECT project_id, mode, customer_id, user_id, created_at FROM stripe_customers WHERE true
      ON CONFLICT (project_id, mode, object_id) DO NOTHING`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM stripe_customers WHERE customer_id IS NULL`);
    await runner.query(`ALTER TABLE stripe_customers ALTER COLUMN customer_id SET NOT NULL`);
  }
}
