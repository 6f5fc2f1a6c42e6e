import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Ledger1763830000000 implements MigrationInterface {
  readonly name = 'Ledger1763830000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE stripe_subscriptions (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        subscription_id varchar(255) NOT NULL,
        id varchar NOT NULL,
        owner_id varchar(255) NOT NULL,
        user_id varchar,
        customer_id varchar(255),
        status varchar(32) NOT NULL,
        price_id varchar(255),
        plan_name varchar(255),
        quantity integer NOT NULL,
        current_period_start datetime(3),
        current_period_end datetime(3),
        cancel_at datetime(3),
        cancelled_at datetime(3),
        created_at datetime(3) NOT NULL,
        as_of datetime(3) NOT NULL,
        revision integer NOT NULL,
        CONSTRAINT stripe_subscriptions_pk PRIMARY KEY (project_id, mode, subscription_id),
        CONSTRAINT "stripe_subscriptions_id_unique" UNIQUE ("id"),
        CONSTRAINT "stripe_subscriptions_project_fk" FOREIGN KEY ("project_id") REFERENCES "projects" ("id")
      )`);
    await runner.query(`CREATE INDEX stripe_subscriptions_by_project ON stripe_subscriptions (project_id, mode, created_at, id)`);
    await runner.query(`CREATE INDEX stripe_subscriptions_by_status ON stripe_subscriptions (project_id, mode, status, created_at, id)`);
    await runner.query(`CREATE INDEX stripe_subscriptions_by_owner ON stripe_subscriptions (owner_id, mode, created_at, id)`);
    await runner.query(
      `CREATE INDEX stripe_subscriptions_by_owner_and_status ON stripe_subscriptions (owner_id, mode, status, created_at, id)`,
    );
    await runner.query(`CREATE INDEX stripe_subscriptions_by_user ON stripe_subscriptions (project_id, mode, user_id, created_at, id)`);
    await runner.query(`CREATE INDEX stripe_subscriptions_by_customer ON stripe_subscriptions (project_id, mode, customer_id)`);
    await runner.query(`
      CREATE TABLE stripe_payments (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        payment_intent_id varchar(255) NOT NULL,
        id varchar NOT NULL,
        owner_id varchar(255) NOT NULL,
        user_id varchar,
        user_rank smallint NOT NULL,
        customer_id varchar(255),
        subscription_id varchar,
        status varchar(32) NOT NULL,
        amount_cents bigint NOT NULL,
        currency varchar(8) NOT NULL,
        refunded_amount_cents bigint NOT NULL,
        description varchar(1000),
        created_at datetime(3) NOT NULL,
        source_rank smallint NOT NULL,
        as_of datetime(3) NOT NULL,
        revision integer NOT NULL,
        CONSTRAINT stripe_payments_pk PRIMARY KEY (project_id, mode, payment_intent_id),
        CONSTRAINT "stripe_payments_id_unique" UNIQUE ("id"),
        CONSTRAINT "stripe_payments_project_fk" FOREIGN KEY ("project_id") REFERENCES "projects" ("id")
      )`);
    await runner.query(`CREATE INDEX stripe_payments_by_project ON stripe_payments (project_id, mode, created_at, id)`);
    await runner.query(`CREATE INDEX stripe_payments_by_status ON stripe_payments (project_id, mode, status, created_at, id)`);
    await runner.query(`CREATE INDEX stripe_payments_by_owner ON stripe_payments (owner_id, mode, created_at, id)`);
    await runner.query(`CREATE INDEX stripe_payments_by_owner_and_status ON stripe_payments (owner_id, mode, status, created_at, id)`);
    await runner.query(`CREATE INDEX stripe_payments_by_user ON stripe_payments (project_id, mode, user_id, created_at, id)`);
    await runner.query(`CREATE INDEX stripe_payments_by_customer ON stripe_payments (project_id, mode, customer_id)`);
    await runner.query(`
      CREATE TABLE stripe_disputes (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        dispute_id varchar(255) NOT NULL,
        id varchar NOT NULL,
        owner_id varchar(255) NOT NULL,
        charge_id varchar(255),
        payment_intent_id varchar(255),
        status varchar(32) NOT NULL,
        reason varchar(64),
        amount_cents bigint NOT NULL,
        currency varchar(8) NOT NULL,
        funds_withdrawn_at datetime(3),
        funds_reinstated_at datetime(3),
        created_at datetime(3) NOT NULL,
        as_of datetime(3) NOT NULL,
        revision integer NOT NULL,
        CONSTRAINT stripe_disputes_pk PRIMARY KEY (project_id, mode, dispute_id),
        CONSTRAINT "stripe_disputes_id_unique" UNIQUE ("id"),
        CONSTRAINT "stripe_disputes_project_fk" FOREIGN KEY ("project_id") REFERENCES "projects" ("id")
      )`);
    await runner.query(`CREATE INDEX stripe_disputes_by_payment ON stripe_disputes (project_id, mode, payment_intent_id)`);
    await runner.query(`
      CREATE TABLE stripe_user_links (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        object_id varchar(255) NOT NULL,
        user_id varchar NOT NULL,
        as_of datetime(3) NOT NULL,
        CONSTRAINT stripe_user_links_pk PRIMARY KEY (project_id, mode, object_id),
        CONSTRAINT "stripe_user_links_project_fk" FOREIGN KEY ("project_id") REFERENCES "projects" ("id")
      )`);
    await runner.query(`
      CREATE TABLE ledger_counts (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        kind varchar(16) NOT NULL,
        status varchar(32) NOT NULL,
        slot smallint NOT NULL,
        total bigint NOT NULL,
        CONSTRAINT ledger_counts_pk PRIMARY KEY (project_id, mode, kind, status, slot)
      )`);
    await runner.query(`
      CREATE TABLE ledger_revenue (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        currency varchar(8) NOT NULL,
        slot smallint NOT NULL,
        payments bigint NOT NULL,
        gross_cents bigint NOT NULL,
        net_cents bigint NOT NULL,
        CONSTRAINT ledger_revenue_pk PRIMARY KEY (project_id, mode, currency, slot)
      )`);
    await runner.query(`
      CREATE TABLE ledger_outbox (
        id varchar NOT NULL,
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        name varchar(32) NOT NULL,
        payload text NOT NULL,
        attempts integer NOT NULL,
        due_at datetime(3) NOT NULL,
        created_at datetime(3) NOT NULL,
        CONSTRAINT ledger_outbox_pk PRIMARY KEY (id)
      )`);
    await runner.query(`CREATE INDEX ledger_outbox_by_due ON ledger_outbox (name, due_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [
      'ledger_outbox',
      'ledger_revenue',
      'ledger_counts',
      'stripe_user_links',
      'stripe_disputes',
      'stripe_payments',
      'stripe_subscriptions',
    ])
      await runner.query(`DROP TABLE ${table}`);
  }
}
