import type { ProjectId } from '../common/ids.js';
import { columnNames, columns, excludedColumns, inserted } from '../database/columns.js';
import { sql } from '../database/database.js';
import type { HistoryHead } from './history-entry.js';
import { HistoryEntryEntity, HistoryHeadEntity, HistoryPermitEntity } from './history.entities.js';

const HEAD = columns(HistoryHeadEntity, { only: ['seq', 'mac'] });

/**
 * $1 project. On PostgreSQL, inserts a missing head and locks the row. SQLite runs one transaction at a time.
 */
export const LOCK_HEAD = sql<HistoryHead>(
  {
    sqlite: `SELECT ${HEAD} FROM audit_heads WHERE project_id = $1`,
    postgres: `INSERT INTO audit_heads AS h (${columnNames(HistoryHeadEntity)}) VALUES ($1, 0, '')
     ON CONFLICT (project_id) DO UPDATE SET seq = h.seq RETURNING ${HEAD}`,
  },
  'lock_audit_head',
);

/** $1 project, $2 number, $3 MAC. */
export const ADVANCE_HEAD = sql<never>(
  `INSERT INTO audit_heads ${inserted(HistoryHeadEntity)}
   ON CONFLICT (project_id) DO UPDATE SET ${excludedColumns(HistoryHeadEntity, ['seq', 'mac'])}`,
  'advance_audit_head',
);

/** Parameters: columns of `HistoryEntryEntity`. */
export const ADD_ENTRY = sql<never>(
  `INSERT INTO audit_entries ${inserted(HistoryEntryEntity)}`,
  'add_audit_entry',
);

const ENTRY = columns(HistoryEntryEntity);

/** An entry with unchecked values, since SQLite stores any value in any column. */
export type FoundEntry = Record<keyof HistoryEntryEntity, unknown>;

/** $1 project, $2 limit, $3 offset, then a value for each column. Newest first. */
const page = (name: string, ...names: ('action' | 'subject')[]) => {
  const conditions = names.map((column, index) => ` AND ${column} = $${index + 4}`).join('');
  return sql<FoundEntry>(
    `SELECT ${ENTRY} FROM audit_entries WHERE project_id = $1${conditions} ORDER BY seq DESC LIMIT $2 OFFSET $3`,
    name,
  );
};

/** A statement for each filter, since an index serves a condition only if the statement always has it. */
export const PAGE = {
  ofAll: page('page_of_audit_entries'),
  ofAction: page('page_of_audit_entries_of_action', 'action'),
  ofSubject: page('page_of_audit_entries_of_subject', 'subject'),
  ofBoth: page('page_of_audit_entries_of_action_and_subject', 'action', 'subject'),
};

/** $1 project, $2 number, $3 limit. Oldest first. */
export const AFTER = sql<FoundEntry>(
  `SELECT ${ENTRY} FROM audit_entries WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
  'audit_entries_after',
);

/** Every project with a head or an entry. */
export const CHAINS = sql<{ projectId: ProjectId }>(
  'SELECT project_id AS "projectId" FROM audit_heads UNION SELECT project_id FROM audit_entries ORDER BY 1',
  'audit_chains',
);

/**
 * Normally none, since creating a project adds an entry. Ignores times, which somebody could have set back.
 */
export const PROJECTS_WITHOUT_ENTRIES = sql<{ id: ProjectId }>(
  'SELECT id FROM projects p WHERE NOT EXISTS (SELECT 1 FROM audit_entries e WHERE e.project_id = p.id) ORDER BY id',
  'projects_without_audit_entries',
);

/** $1 project, $2 time. The last entry before the first one that is not older. */
export const LAST_OLDER = sql<HistoryHead>(
  `SELECT ${HEAD} FROM audit_entries WHERE project_id = $1
     AND seq < COALESCE((SELECT min(seq) FROM audit_entries WHERE project_id = $1 AND at >= $2), 2147483647)
   ORDER BY seq DESC LIMIT 1`,
  'last_older_audit_entry',
);

/** $1 project, $2 number. */
export const COUNT_THROUGH = sql<{ entries: number; prunings: number }>(
  `SELECT count(*) AS entries, sum(CASE WHEN action = 'history.pruned' THEN 1 ELSE 0 END) AS prunings
   FROM audit_entries WHERE project_id = $1 AND seq <= $2`,
  'count_audit_entries_through',
);

/** $1 project, $2 number. The triggers allow a deletion while this row exists. */
export const PERMIT = sql<never>(
  `INSERT INTO audit_permits ${inserted(HistoryPermitEntity)}`,
  'permit_audit_deletion',
);
export const REVOKE = sql<never>('DELETE FROM audit_permits WHERE project_id = $1', 'revoke_audit_permit');
export const DELETE_THROUGH = sql<never>(
  'DELETE FROM audit_entries WHERE project_id = $1 AND seq <= $2',
  'delete_audit_entries_through',
  { destroys: true },
);
