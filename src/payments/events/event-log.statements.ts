import { columns, inserted } from '../../database/columns.js';
import { sql } from '../../database/database.js';
import type { Dialect } from '../../database/dialect.js';
import { EventEntity } from './event.entity.js';

/** Parameters: `columnReader(EventEntity)`. */
export const ADD = sql<never>(`INSERT INTO events ${inserted(EventEntity)}`, 'add_event');

/** The database's clock in microseconds: one for all processes. */
export const NOW = sql<{ time: number }>(({ microseconds }) => `SELECT ${microseconds} AS time`, 'now');

const DUE = ['id', 'projectId', 'mode', 'data', 'attempts'] as const;

/** An event that is due for listeners. */
export type DueEvent = Pick<EventEntity, (typeof DUE)[number]>;

/** $1 type, $2 now, $3 end of the lease, $4 limit. */
export const LEASE = sql<DueEvent>(
  ({ rowLock }) => `UPDATE events SET due_at = $3, attempts = attempts + 1
   WHERE id IN (SELECT id FROM events WHERE type = $1 AND due_at <= $2 ORDER BY due_at LIMIT $4
     ${rowLock({ skipLocked: true })})
   RETURNING ${columns(EventEntity, { only: DUE })}`,
  'lease_events',
);

/** $1 id, $2 when, or `null` after the delivery. */
export const POSTPONE = sql<never>('UPDATE events SET due_at = $2 WHERE id = $1', 'postpone_event');

/** Bounds the cost of counting. */
const MAX_COUNTED = 10_000;

/**
 * $1 type. Returns no row for an empty backlog. Ordered by due time, so that unleased events are counted
 * first.
 */
export const BACKLOG = sql<Pick<EventEntity, 'createdAt'> & { readonly waiting: number }>(
  `SELECT ${columns(EventEntity, { of: 'first', only: ['createdAt'] })}, COUNT(*) OVER () AS waiting
   FROM (SELECT created_at FROM events WHERE type = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT ${MAX_COUNTED}) AS first
   ORDER BY first.created_at LIMIT 1`,
  'backlog_of_events',
);

const PULLED = ['id', 'projectId', 'mode', 'type', 'data', 'createdAt', 'seq'] as const;

/** What an event says. */
export type EventContent = Pick<EventEntity, 'id' | 'projectId' | 'mode' | 'type' | 'data' | 'createdAt'>;

const pull = (name: string, ofTypes: (dialect: Dialect) => string) =>
  sql<Pick<EventEntity, (typeof PULLED)[number]>>(
    (dialect) => `SELECT ${columns(EventEntity, { only: PULLED })} FROM events
     WHERE project_id = $1 AND seq > $2 ${ofTypes(dialect)} ORDER BY seq LIMIT $3`,
    name,
  );

/** $1 project, $2 the place after which, $3 limit; `ofTypes` also $4 types as a JSON array. */
export const PULL = {
  all: pull('pull_events', () => ''),
  ofTypes: pull('pull_events_of_types', ({ jsonItems }) => `AND type IN (${jsonItems('$4')})`),
};

/** $1 project. */
export const LAST_SEQ = sql<{ last: number | null }>(
  'SELECT max(seq) AS last FROM events WHERE project_id = $1 AND seq IS NOT NULL',
  'last_event_of_project',
);

/** $1 id before which, $2 limit. Ids are in the order of time. */
export const FORGET = sql<{ id: string }>(
  'DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id < $1 ORDER BY id LIMIT $2) RETURNING id',
  'forget_events',
);

/**
 * $1 limit. Numbers events in a transaction that holds the lock of publishing, so that a number is greater
 * than all that a consumer can have seen. An event that commits late gets its number late.
 */
export const PUBLISH = sql<{ id: string }>(
  ({ greatest, microseconds }) =>
    `UPDATE events SET seq = ${greatest(`${microseconds}, (SELECT COALESCE(max(seq), 0) FROM events)`)} + numbered.place
     FROM (SELECT id AS numbered_id, row_number() OVER (ORDER BY id) AS place FROM
       (SELECT id FROM events WHERE seq IS NULL ORDER BY id LIMIT $1) AS unpublished) AS numbered
     WHERE id = numbered.numbered_id RETURNING id`,
  'publish_events',
);

/** Returns a row if there is something to publish. */
export const HAS_UNPUBLISHED = sql<{ id: string }>(
  'SELECT id FROM events WHERE seq IS NULL LIMIT 1',
  'has_unpublished_events',
);
