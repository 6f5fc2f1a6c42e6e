import { type Database, type Engine, sql, type Statement } from '../../database/database.js';

/** What keeps the history from being changed, as the migrations make it. */
const EXPECTED: Record<Engine, readonly string[]> = {
  sqlite: [
    'audit_entries_refuse_delete',
    'audit_entries_refuse_insert',
    'audit_entries_refuse_update',
    'audit_heads_refuse_delete',
    'audit_heads_refuse_insert',
    'audit_heads_refuse_update',
  ],
  postgres: ['audit_entries_never_change', 'audit_entries_stay', 'audit_heads_only_advance', 'audit_heads_stay'],
};

/** Those that work, each with the text that it refuses with somewhere in its definition. */
const WORKING: Record<Engine, Statement<{ name: string }>> = {
  sqlite: sql('', `SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%RAISE(ABORT, ''The audit trail is append-only:%'`),
  postgres: sql(
    'working_audit_triggers',
    `SELECT t.tgname AS name FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
     WHERE t.tgrelid IN (to_regclass('audit_entries'), to_regclass('audit_heads')) AND t.tgenabled IN ('O', 'A')
       AND p.prosrc LIKE '%RAISE EXCEPTION ''The audit trail is append-only:%'`,
  ),
};

/** @returns the names of triggers that were dropped, disabled or emptied */
export async function missingTriggers(database: Database): Promise<string[]> {
  const working = (await database.query(WORKING[database.engine], [])).map(({ name }) => name);
  return EXPECTED[database.engine].filter((name) => !working.includes(name));
}
