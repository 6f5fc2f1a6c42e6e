import type { MigrationInterface, QueryRunner } from 'typeorm';

export class UnreadableEvents1796000001200 implements MigrationInterface {
  readonly name = 'UnreadableEvents1796000001200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE webhook_events ALTER COLUMN outcome TYPE varchar(16)`);
    // What could not be read was noted as ignored.
    await runner.query(`
      UPDATE webhook_events SET outcome = 'unreadable', failed_at = COALESCE(failed_at, processed_at), failure = COALESCE(failure, reason)
      WHERE outcome = 'ignored' AND reason LIKE 'Its "%" is missing or in no form that is known%'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`UPDATE webhook_events SET outcome = 'ignored' WHERE outcome = 'unreadable'`);
    await runner.query(`ALTER TABLE webhook_events ALTER COLUMN outcome TYPE varchar(8)`);
  }
}
