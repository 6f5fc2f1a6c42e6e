import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Audit1763800000000 implements MigrationInterface {
  readonly name = 'Audit1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE audit_entries (
        project_id varchar NOT NULL,
        seq integer NOT NULL,
        at datetime(3) NOT NULL,
        actor_kind varchar(16) NOT NULL,
        subject varchar(255) NOT NULL,
        ip varchar(64),
        user_agent varchar(255),
        request_id varchar(64),
        action varchar(64) NOT NULL,
        result varchar(16) NOT NULL,
        details text NOT NULL,
        key_id varchar(16) NOT NULL,
        mac varchar(64) NOT NULL,
        CONSTRAINT audit_entries_pk PRIMARY KEY (project_id, seq)
      )`);
    await runner.query(`
      CREATE TABLE audit_heads (
        project_id varchar NOT NULL,
        seq integer NOT NULL,
        mac varchar(64) NOT NULL,
        CONSTRAINT audit_heads_pk PRIMARY KEY (project_id)
      )`);
    await runner.query(`
      CREATE TABLE audit_permits (
        project_id varchar NOT NULL,
        through_seq integer NOT NULL,
        CONSTRAINT audit_permits_pk PRIMARY KEY (project_id)
      )`);
    await this.#refuse(runner, 'audit_entries', 'UPDATE');
    await this.#refuse(
      runner,
      'audit_entries',
      'DELETE',
      `NOT EXISTS (SELECT 1 FROM audit_permits p WHERE p.project_id = OLD.project_id AND OLD.seq <= p.through_seq)`,
    );
    // What INSERT OR REPLACE deletes fires no trigger.
    for (const table of ['audit_entries', 'audit_heads']) {
      const samePlace = table === 'audit_entries' ? 'e.seq = NEW.seq' : 'NEW.seq <> e.seq + 1';
      await this.#refuse(runner, table, 'INSERT', `EXISTS (SELECT 1 FROM ${table} e WHERE e.project_id = NEW.project_id AND ${samePlace})`);
    }
    await this.#refuse(runner, 'audit_heads', 'DELETE');
    await this.#refuse(
      runner,
      'audit_heads',
      'UPDATE',
      `NEW.project_id <> OLD.project_id OR NOT (NEW.seq = OLD.seq + 1 OR NEW.seq = OLD.seq AND NEW.mac = OLD.mac)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['audit_permits', 'audit_heads', 'audit_entries']) await runner.query(`DROP TABLE ${table}`);
  }

  async #refuse(runner: QueryRunner, table: string, operation: 'INSERT' | 'UPDATE' | 'DELETE', when = 'true'): Promise<void> {
    await runner.query(`
      CREATE TRIGGER ${table}_refuse_${operation.toLowerCase()} BEFORE ${operation} ON ${table} FOR EACH ROW WHEN ${when}
      BEGIN SELECT RAISE(ABORT, 'The audit trail is append-only: ${operation} of ${table} is refused.'); END`);
  }
}
