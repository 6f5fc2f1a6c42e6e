import type { MigrationInterface, QueryRunner } from 'typeorm';

export class UnreadableEvents1796000001200 implements MigrationInterface {
  readonly name = 'UnreadableEvents1796000001200';

  async up(runner: QueryRunner): Promise<void> {
    await remake(runner, 'varchar(16)');
    // What could not be read was noted as ignored.
    await runner.query(`
      UPDATE webhook_events SET outcome = 'unreadable', failed_at = COALESCE(failed_at, processed_at), failure = COALESCE(failure, reason)
      WHERE outcome = 'ignored' AND reason LIKE 'Its "%" is missing or in no form that is known%'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`UPDATE webhook_events SET outcome = 'ignored' WHERE outcome = 'unreadable'`);
    await remake(runner, 'varchar(8)');
  }
}

/** SQLite cannot change the type of a column. */
async function remake(runner: QueryRunner, outcome: string): Promise<void> {
  await runner.query(`ALTER TABLE webhook_events RENAME TO former_webhook_events`);
  for (const index of ['newest', 'failed', 'by_key']) await runner.query(`DROP INDEX webhook_events_${index}`);
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
      outcome ${outcome} NOT NULL,
      reason varchar(500),
      failed_at datetime(3),
      failure varchar(500),
      duplicates integer NOT NULL,
      sealed text,
      key_id varchar(16),
      CONSTRAINT webhook_events_pk PRIMARY KEY (project_id, mode, id),
      CONSTRAINT "webhook_events_key_fk" FOREIGN KEY ("key_id") REFERENCES "data_keys" ("id")
    )`);
  await runner.query(`INSERT INTO webhook_events SELECT * FROM former_webhook_events`);
  await runner.query(`DROP TABLE former_webhook_events`);
  await runner.query(`CREATE INDEX webhook_events_newest ON webhook_events (project_id, mode, received_at, id)`);
  await runner.query(`CREATE INDEX webhook_events_failed ON webhook_events (project_id, mode, failed_at) WHERE failed_at IS NOT NULL`);
  await runner.query(`CREATE INDEX webhook_events_by_key ON webhook_events (key_id, received_at)`);
}
