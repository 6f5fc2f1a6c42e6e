import { type Engine, sql, type SqlValue, type Statement } from '../database/database.js';
import type { AuditContent } from './audit-entry.js';
import type { AuditHead } from './audit-event.js';

/** $1 project. Makes the head where there is none. On SQLite the transaction has locked everything. */
export const LOCK_HEAD: Record<Engine, Statement<AuditHead>> = {
  sqlite: sql('SELECT seq, mac FROM audit_heads WHERE project_id = $1'),
  postgres: sql(
    `INSERT INTO audit_heads AS h (project_id, seq, mac) VALUES ($1, 0, '')
     ON CONFLICT (project_id) DO UPDATE SET seq = h.seq RETURNING seq, mac`,
    'lock_audit_head',
  ),
};

/** $1 project, $2 number, $3 MAC. */
export const ADVANCE_HEAD = sql<never>(
  `INSERT INTO audit_heads (project_id, seq, mac) VALUES ($1, $2, $3)
   ON CONFLICT (project_id) DO UPDATE SET seq = excluded.seq, mac = excluded.mac`,
  'advance_audit_head',
);

/** See `entryValues`. */
export const ADD_ENTRY = sql<never>(
  `INSERT INTO audit_entries (project_id, seq, mac, key_id, at, actor_kind, subject, ip, user_agent, request_id, action, result, details)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
  'add_audit_entry',
);

/** The parameters of `ADD_ENTRY`. */
export function entryValues(entry: AuditContent, { mac, keyId }: { mac: string; keyId: string }): SqlValue[] {
  const { projectId, seq, at, actor, action, result, details } = entry;
  const { kind, subject, ip, userAgent, requestId } = actor;
  return [projectId, seq, mac, keyId, new Date(at), kind, subject, ip, userAgent, requestId, action, result, details];
}
