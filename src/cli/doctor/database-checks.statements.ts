import { sql } from '../../database/database.js';

/** Version and role of the server; on SQLite, of the library. */
export const FIND_SERVER = sql<{ version: string; number: number; standby: boolean }>({
  sqlite: 'SELECT sqlite_version() AS version',
  postgres: `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
    pg_is_in_recovery() AS standby`,
});

export const READ_CLOCK = sql<{ now: Date }>('SELECT clock_timestamp() AS now');

/** $1 channel. */
export const NOTIFY = sql<never>(`SELECT pg_notify($1, '')`);

/** $1 rights that are not needed, as JSON by table, $2 names of tables. */
export const FIND_RIGHTS = sql<{ name: string; owns: boolean; serves: boolean; alters: boolean }>(
  `SELECT c.relname AS name, pg_has_role(c.relowner, 'USAGE') AS owns,
     has_table_privilege(c.oid, 'SELECT') AND (has_table_privilege(c.oid, 'INSERT') OR $1::jsonb ->> c.relname LIKE 'INSERT%') AS serves,
     coalesce(has_table_privilege(c.oid, $1::jsonb ->> c.relname), false) AS alters
   FROM pg_class c
   WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY ($2) ORDER BY 1`,
);
