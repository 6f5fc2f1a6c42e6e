import { columnNames, columns } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import { type DueEvent, OutboxEventEntity } from './outbox-event.entity.js';

/** $1 id, $2 project, $3 mode, $4 name, $5 payload, $6 now. */
export const ADD = sql<never>(
  `INSERT INTO ledger_outbox (${columnNames(OutboxEventEntity)}) VALUES ($1, $2, $3, $4, $5, 0, $6, $6)`,
  'add_to_outbox',
);

/** $1 name, $2 now, $3 end of the lease, $4 limit. */
export const LEASE = sql<DueEvent>(
  ({ rowLock }) => `UPDATE ledger_outbox SET due_at = $3, attempts = attempts + 1
   WHERE id IN (SELECT id FROM ledger_outbox WHERE name = $1 AND due_at <= $2 ORDER BY due_at LIMIT $4
     ${rowLock({ skipLocked: true })})
   RETURNING ${columns(OutboxEventEntity, { only: ['id', 'payload', 'attempts'] })}`,
  'lease_from_outbox',
);

export const REMOVE = sql<never>('DELETE FROM ledger_outbox WHERE id = $1', 'remove_from_outbox');

/** $1 id, $2 when. */
export const POSTPONE = sql<never>(
  'UPDATE ledger_outbox SET due_at = $2 WHERE id = $1',
  'postpone_in_outbox',
);

/** Bounds the cost of counting. */
const MAX_COUNTED = 10_000;

/**
 * $1 name. Returns no row for an empty backlog. Ordered by due time, so that unleased events are counted
 * first.
 */
export const BACKLOG = sql<Pick<OutboxEventEntity, 'createdAt'> & { readonly waiting: number }>(
  `SELECT ${columns(OutboxEventEntity, { of: 'first', only: ['createdAt'] })}, COUNT(*) OVER () AS waiting
   FROM (SELECT created_at FROM ledger_outbox WHERE name = $1 ORDER BY due_at LIMIT ${MAX_COUNTED}) AS first
   ORDER BY first.created_at LIMIT 1`,
  'backlog_of_outbox',
);
