import { type Engine, sql, type SqlValue, type Statement } from '../database/database.js';
import type { AuditContent } from './audit-entry.js';
import { type AuditHead, NO_HEAD } from './audit-event.js';

/** The columns of an entry, with their types on PostgreSQL. */
const COLUMNS = {
  project_id: 'uuid',
  seq: 'integer',
  mac: 'varchar',
  key_id: 'varchar',
  at: 'timestamptz',
  actor_kind: 'varchar',
  subject: 'varchar',
  ip: 'varchar',
  user_agent: 'varchar',
  request_id: 'varchar',
  action: 'varchar',
  result: 'varchar',
  details: 'text',
};
const ENTRY_COLUMNS = Object.keys(COLUMNS).join(', ');

type Vouched = { mac: string; keyId: string };

/** For a query that has the end of a chain beside something else; see `headIn`. */
export const HEAD = 'h.seq AS audit_seq, h.mac AS audit_mac';
export const joinHead = (projectId: string) => `LEFT JOIN audit_heads h ON h.project_id = ${projectId}`;

/** The end of the chain in a row of such a query. */
export function headIn({ audit_seq: seq, audit_mac: mac }: { audit_seq: number | null; audit_mac: string }): AuditHead {
  return seq === null ? NO_HEAD : { seq, mac };
}

/** A row of the history. */
export type EntryRow = Record<keyof typeof COLUMNS, SqlValue>;

/** The parameters of `ADD_ENTRY`. */
export function entryValues(row: EntryRow): SqlValue[] {
  return (Object.keys(COLUMNS) as (keyof EntryRow)[]).map((column) => row[column]);
}

export function entryRow({ projectId, seq, at, actor, action, result, details }: AuditContent, { mac, keyId }: Vouched): EntryRow {
  const { kind, subject, ip, userAgent, requestId } = actor;
  return {
    project_id: projectId,
    seq,
    mac,
    key_id: keyId,
    at: new Date(at),
    actor_kind: kind,
    subject,
    ip,
    user_agent: userAgent,
    request_id: requestId,
    action,
    result,
    details,
  };
}

/** $1 project. Makes the head where there is none. On SQLite the transaction has locked everything. */
export const LOCK_HEAD: Record<Engine, Statement<AuditHead>> = {
  sqlite: sql('SELECT seq, mac FROM audit_heads WHERE project_id = $1'),
  postgres: sql(
    `INSERT INTO audit_heads AS h (project_id, seq, mac) VALUES ($1, 0, '')
     ON CONFLICT (project_id) DO UPDATE SET seq = h.seq RETURNING seq, mac`,
    'lock_audit_head',
  ),
};

const advance = (values: string) =>
  `INSERT INTO audit_heads AS h (project_id, seq, mac) ${values}
   ON CONFLICT (project_id) DO UPDATE SET seq = excluded.seq, mac = excluded.mac WHERE h.seq = excluded.seq - 1
   RETURNING project_id`;

/** $1 project, $2 number, $3 MAC. A row unless somebody else was faster. */
export const ADVANCE_HEAD = sql<{ project_id: string }>(advance('VALUES ($1, $2, $3)'), 'advance_audit_head');

/** See `entryValues`. */
export const ADD_ENTRY = sql<never>(
  `INSERT INTO audit_entries (${ENTRY_COLUMNS}) VALUES (${Object.keys(COLUMNS)
    .map((_, index) => `$${index + 1}`)
    .join(', ')})`,
  'add_audit_entry',
);

/** How PostgreSQL reads rows of the history from JSON. */
export const ENTRY_AS_RECORD = Object.entries(COLUMNS)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ');

/**
 * The same two for rows of `given` of different projects, as parts of a larger statement on PostgreSQL. `entry` has the ids of those
 * projects where nobody else was faster: whatever depends on it happens only with an entry in the history. It waits for no chain that
 * somebody else holds, so one project keeps none of the others waiting.
 */
export const APPEND_ON_POSTGRES = `head AS (
     ${advance(`
       SELECT project_id, seq, mac FROM given
       WHERE seq = 1 OR EXISTS (
         SELECT FROM audit_heads held WHERE held.project_id = given.project_id AND held.seq = given.seq - 1
         FOR NO KEY UPDATE SKIP LOCKED)`)}
   ), entry AS (
     INSERT INTO audit_entries (${ENTRY_COLUMNS})
     SELECT ${ENTRY_COLUMNS} FROM given WHERE project_id IN (SELECT project_id FROM head)
     RETURNING project_id
   )`;
