import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Audit1763800000000 implements MigrationInterface {
  readonly name = 'Audit1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE audit_entries (
        project_id uuid NOT NULL,
        seq integer NOT NULL,
        at timestamptz(3) NOT NULL,
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
        project_id uuid NOT NULL,
        seq integer NOT NULL,
        mac varchar(64) NOT NULL,
        CONSTRAINT audit_heads_pk PRIMARY KEY (project_id)
      )`);
    await runner.query(`
      CREATE TABLE audit_permits (
        project_id uuid NOT NULL,
        through_seq integer NOT NULL,
        CONSTRAINT audit_permits_pk PRIMARY KEY (project_id)
      )`);
    await runner.query(`
      CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'The audit trail is append-only: % of % is refused.', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
      END $$`);
    await runner.query(`
      CREATE FUNCTION permit_audit_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NOT EXISTS (SELECT FROM audit_permits p WHERE p.project_id = OLD.project_id AND OLD.seq <= p.through_seq) THEN
          RAISE EXCEPTION 'The audit trail is append-only: % of % is refused.', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN OLD;
      END $$`);
    await runner.query(`
      CREATE TRIGGER audit_entries_never_change BEFORE UPDATE OR TRUNCATE ON audit_entries
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`);
    await runner.query(`
      CREATE TRIGGER audit_entries_stay BEFORE DELETE ON audit_entries
      FOR EACH ROW EXECUTE FUNCTION permit_audit_deletion()`);
    await runner.query(`
      CREATE TRIGGER audit_heads_stay BEFORE DELETE OR TRUNCATE ON audit_heads
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`);
    await runner.query(`
      CREATE TRIGGER audit_heads_only_advance BEFORE UPDATE ON audit_heads FOR EACH ROW
      WHEN (NEW.project_id <> OLD.project_id
        OR NOT (NEW.seq = OLD.seq + 1 OR NEW.seq = OLD.seq AND NEW.mac = OLD.mac))
      EXECUTE FUNCTION refuse_audit_change()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['audit_permits', 'audit_heads', 'audit_entries']) await runner.query(`DROP TABLE ${table}`);
    for (const name of ['permit_audit_deletion', 'refuse_audit_change']) await runner.query(`DROP FUNCTION ${name}`);
  }
}
