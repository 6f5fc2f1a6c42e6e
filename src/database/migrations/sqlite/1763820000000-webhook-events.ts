import type { MigrationInterface, QueryRunner } from 'typeorm';

export class WebhookEvents1763820000000 implements MigrationInterface {
  readonly name = 'WebhookEvents1763820000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE webhook_events (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        id varchar(255) NOT NULL,
        type varchar(255) NOT NULL,
        api_version varchar(64),
        created_at datetime(3) NOT NULL,
        received_at datetime(3) NOT NULL,
        processed_at datetime(3) NOT NULL,
        outcome varchar(8) NOT NULL,
        reason varchar(500),
        failed_at datetime(3),
        failure varchar(500),
        duplicates integer NOT NULL,
        sealed text,
        key_id varchar(16),
        CONSTRAINT webhook_events_pk PRIMARY KEY (project_id, mode, id),
        CONSTRAINT "webhook_events_key_fk" FOREIGN KEY ("key_id") REFERENCES "data_keys" ("id")
      )`);
    await runner.query(`CREATE INDEX webhook_events_newest ON webhook_events (project_id, mode, received_at, id)`);
    await runner.query(`CREATE INDEX webhook_events_failed ON webhook_events (project_id, mode, failed_at) WHERE failed_at IS NOT NULL`);
    await runner.query(`CREATE INDEX webhook_events_by_key ON webhook_events (key_id, received_at)`);
    await runner.query(`
      CREATE TABLE webhook_refusals (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        reason varchar(32) NOT NULL,
        count bigint NOT NULL,
        first_at datetime(3) NOT NULL,
        last_at datetime(3) NOT NULL,
        CONSTRAINT webhook_refusals_pk PRIMARY KEY (project_id, mode, reason)
      )`);
    await runner.query(`
      CREATE TABLE reconciliations (
        project_id varchar NOT NULL,
        mode varchar(4) NOT NULL,
        known_until datetime(3),
        since datetime(3) NOT NULL,
        started_at datetime(3) NOT NULL,
        phase varchar(16),
        cursor varchar(255),
        CONSTRAINT reconciliations_pk PRIMARY KEY (project_id, mode)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE reconciliations`);
    await runner.query(`DROP TABLE webhook_refusals`);
    await runner.query(`DROP TABLE webhook_events`);
  }
}
