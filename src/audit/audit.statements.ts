import { type Engine, sql, type SqlValue, type Statement } from '../database/database.js';
import type { AuditContent } from './audit-entry.js';
import { type AuditHead, NO_HEAD } from './audit-event.js';

/** The columns of an entry, in the order of its values, with their types on PostgreSQL. */
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
const ENTRY_TYPES = Object.values(COLUMNS);

/** For a query that has the end of a chain beside something else; see `headIn`. */
export const HEAD = 'h.seq AS audit_seq, h.mac AS audit_mac';
export const joinHead = (projectId: string) => `LEFT JOIN audit_heads h ON h.project_id = ${projectId}`;

/** The end of the chain in a row of such a query. */
export function headIn({ audit_seq: seq, audit_mac: mac }: { audit_seq: number | null; audit_mac: string }): AuditHead {
  return seq === null ? NO_HEAD : { seq, mac };
}

/** How many parameters `entryValues` gives. */
export const ENTRY_PARAMETERS = ENTRY_TYPES.length;

/** In the order of the columns; the first is the project, the second the number and the third the MAC. */
export function entryValues(entry: AuditContent, { mac, keyId }: { mac: string; keyId: string }): SqlValue[] {
  const { projectId, seq, at, actor, action, result, details } = entry;
  const { kind, subject, ip, userAgent, requestId } = actor;
  return [projectId, seq, mac, keyId, new Date(at), kind, subject, ip, userAgent, requestId, action, result, details];
}

/** $1 project. Makes the head where there is none. On SQLite the transaction has locked everything. */
export const LOCK_HEAD: Record<Engine, Statement<AuditHead>> = {
  sqlite: sql('', 'SELECT seq, mac FROM audit_heads WHERE project_id = $1'),
  postgres: sql(
    'lock_audit_head',
    `INSERT INTO audit_heads AS h (project_id, seq, mac) VALUES ($1, 0, '')
     ON CONFLICT (project_id) DO UPDATE SET seq = h.seq RETURNING seq, mac`,
  ),
};

const advance = (values: string) =>
  `INSERT INTO audit_heads AS h (project_id, seq, mac) ${values}
   ON CONFLICT (project_id) DO UPDATE SET seq = excluded.seq, mac = excluded.mac WHERE h.seq = excluded.seq - 1
   RETURNING project_id`;

/** $1 project, $2 number, $3 MAC. A row unless somebody else was faster. */
export const ADVANCE_HEAD = sql<{ project_id: string }>('advance_audit_head', advance('VALUES ($1, $2, $3)'));

/** The values of an entry. */
export const ADD_ENTRY = sql<never>(
  'add_audit_entry',
  `INSERT INTO audit_entries (${ENTRY_COLUMNS}) VALUES (${ENTRY_TYPES.map((_, index) => `$${index + 1}`).join(', ')})`,
);

/**
 * The same two as parts of a larger statement on PostgreSQL. The values of the entry are its first parameters. `entry` has one row,
 * the project's id, unless somebody else was faster: whatever depends on it happens only with an entry in the history.
 */
export const APPEND_ON_POSTGRES = `head AS (
     ${advance('VALUES ($1::uuid, $2::integer, $3::varchar)')}
   ), entry AS (
     INSERT INTO audit_entries (${ENTRY_COLUMNS})
     SELECT ${ENTRY_TYPES.map((type, index) => `$${index + 1}::${type}`).join(', ')} FROM head
     RETURNING project_id
   )`;
