import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SpentCustomers1763860000000 implements MigrationInterface {
  readonly name = 'SpentCustomers1763860000000';

  async up(runner: QueryRunner): Promise<void> {
    await remake(runner, 'customer_id varchar(255)');
    // Whose the customers are that were made so far; from now on the ledger is told.
    await runner.query(`
      INSERT INTO stripe_user_links (project_id, mode, object_id, user_id, as_of)
      SELECT project_id, mode, customer_id, user_id, created_at FROM stripe_customers WHERE true
      ON CONFLICT (project_id, mode, object_id) DO NOTHING`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM stripe_customers WHERE customer_id IS NULL`);
    await remake(runner, 'customer_id varchar(255) NOT NULL');
  }
}

/** SQLite changes no column. */
async function remake(runner: QueryRunner, customerId: string): Promise<void> {
  await runner.query(`ALTER TABLE stripe_customers RENAME TO former_stripe_customers`);
  await runner.query(`
    CREATE TABLE stripe_customers (
      project_id varchar NOT NULL,
      mode varchar(4) NOT NULL,
      account varchar(32) NOT NULL,
      user_id varchar NOT NULL,
      ${customerId},
      generation integer NOT NULL,
      created_at datetime(3) NOT NULL,
      CONSTRAINT stripe_customers_pk PRIMARY KEY (project_id, mode, account, user_id),
      CONSTRAINT "stripe_customers_config_fk" FOREIGN KEY ("project_id") REFERENCES "stripe_configs" ("project_id")
    )`);
  await runner.query(`INSERT INTO stripe_customers SELECT * FROM former_stripe_customers`);
  await runner.query(`DROP TABLE former_stripe_customers`);
}
