import { type Database, type Engine, sql } from '../database.js';

const REFUSAL = 'The audit trail is append-only:';

/** Functions of PostgreSQL by name. */
export const FUNCTIONS = {
  refuse_audit_change: `RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '${REFUSAL} % of % is refused.', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$`,
  permit_audit_deletion: `RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT EXISTS (SELECT FROM audit_permits p WHERE p.project_id = OLD.project_id AND OLD.seq <= p.through_seq) THEN
        RAISE EXCEPTION '${REFUSAL} % of % is refused.', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN OLD;
    END $$`,
};

const SKIPS_IN_CHAIN =
  'NEW.project_id <> OLD.project_id OR NOT (NEW.seq = OLD.seq + 1 OR NEW.seq = OLD.seq AND NEW.mac = OLD.mac)';

/** Triggers by name. They refuse changes of the history, and deletions other than by retention. */
const TRIGGERS: Record<Engine, Record<string, string>> = {
  sqlite: {
    audit_entries_refuse_update: refuse('UPDATE', 'audit_entries'),
    audit_entries_refuse_delete: refuse(
      'DELETE',
      'audit_entries',
      'NOT EXISTS (SELECT 1 FROM audit_permits p WHERE p.project_id = OLD.project_id AND OLD.seq <= p.through_seq)',
    ),
    // INSERT OR REPLACE deletes without firing the DELETE trigger.
    audit_entries_refuse_insert: refuse(
      'INSERT',
      'audit_entries',
      'EXISTS (SELECT 1 FROM audit_entries e WHERE e.project_id = NEW.project_id AND e.seq = NEW.seq)',
    ),
    audit_heads_refuse_insert: refuse(
      'INSERT',
      'audit_heads',
      'EXISTS (SELECT 1 FROM audit_heads e WHERE e.project_id = NEW.project_id AND NEW.seq <> e.seq + 1)',
    ),
    audit_heads_refuse_delete: refuse('DELETE', 'audit_heads'),
    audit_heads_refuse_update: refuse('UPDATE', 'audit_heads', SKIPS_IN_CHAIN),
  },
  postgres: {
    audit_entries_never_change: `BEFORE UPDATE OR TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`,
    audit_entries_stay: `BEFORE DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION permit_audit_deletion()`,
    audit_heads_stay: `BEFORE DELETE OR TRUNCATE ON audit_heads FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`,
    audit_heads_only_advance: `BEFORE UPDATE ON audit_heads FOR EACH ROW WHEN (${SKIPS_IN_CHAIN}) EXECUTE FUNCTION refuse_audit_change()`,
  },
};

function refuse(operation: 'INSERT' | 'UPDATE' | 'DELETE', table: string, when = 'true'): string {
  return `BEFORE ${operation} ON ${table} FOR EACH ROW WHEN ${when}
    BEGIN SELECT RAISE(ABORT, '${REFUSAL} ${operation} of ${table} is refused.'); END`;
}

export function triggersOf(engine: Engine): Record<string, string> {
  return TRIGGERS[engine];
}

/** The enabled triggers, each with the text of its refusal in its definition. */
const WORKING = sql<{ name: string }>({
  sqlite: `SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%RAISE(ABORT, ''${REFUSAL}%'`,
  postgres: `SELECT t.tgname AS name FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid IN (to_regclass('audit_entries'), to_regclass('audit_heads')) AND t.tgenabled IN ('O', 'A')
      AND p.prosrc LIKE '%RAISE EXCEPTION ''${REFUSAL}%'`,
});

/** @returns the names of triggers that were dropped, disabled or emptied */
export async function missingTriggers(database: Database): Promise<string[]> {
  const working = (await database.query(WORKING, [])).map(({ name }) => name);
  return Object.keys(TRIGGERS[database.engine]).filter((name) => !working.includes(name));
}
