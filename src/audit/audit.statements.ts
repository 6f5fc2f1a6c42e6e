import { columnNames, columns } from '../database/columns.js';
import { sql } from '../database/database.js';
import { AuditEntryEntity } from './audit-entry.entity.js';
import type { AuditHead } from './audit-event.js';

/** $1 project. Makes the head where there is none. On SQLite the transaction has locked everything. */
export const LOCK_HEAD = sql<AuditHead>(
  {
    sqlite: 'SELECT seq, mac FROM audit_heads WHERE project_id = $1',
    postgres: `INSERT INTO audit_heads AS h (project_id, seq, mac) VALUES ($1, 0, '')
     ON CONFLICT (project_id) DO UPDATE SET seq = h.seq RETURNING seq, mac`,
  },
  'lock_audit_head',
);

/** $1 project, $2 number, $3 MAC. */
export const ADVANCE_HEAD = sql<never>(
  `INSERT INTO audit_heads (project_id, seq, mac) VALUES ($1, $2, $3)
   ON CONFLICT (project_id) DO UPDATE SET seq = excluded.seq, mac = excluded.mac`,
  'advance_audit_head',
);

/** $1 to $13: `columnValues(AuditEntryEntity, …)`. */
export const ADD_ENTRY = sql<never>(
  `INSERT INTO audit_entries (${columnNames(AuditEntryEntity)})
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
  'add_audit_entry',
);

const ENTRY = columns(AuditEntryEntity);

/** An entry as SQLite returns it, which stores any value in any column. */
export type FoundEntry = Record<keyof AuditEntryEntity, unknown>;

/** $1 project, $2 limit, $3 offset; the newest first. */
export const PAGE = sql<FoundEntry>(
  `SELECT ${ENTRY} FROM audit_entries WHERE project_id = $1 ORDER BY seq DESC LIMIT $2 OFFSET $3`,
  'page_of_audit_entries',
);

/** $1 project, $2 number, $3 limit; the oldest first. */
export const AFTER = sql<FoundEntry>(
  `SELECT ${ENTRY} FROM audit_entries WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
  'audit_entries_after',
);
