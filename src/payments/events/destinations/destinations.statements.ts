import { columnNames, columns, inserted, type RowOf } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import { EventDestinationEntity } from './event-destination.entity.js';

export type DestinationRow = RowOf<EventDestinationEntity>;

/** Parameters: `columnValues(EventDestinationEntity, …)`. */
export const ADD = sql<never>(`INSERT INTO event_destinations ${inserted(EventDestinationEntity)}`);

/** $1 project or NULL for the operator. */
export const COUNT = sql<{ count: number }>(
  'SELECT count(*) AS count FROM event_destinations WHERE project_id IS NOT DISTINCT FROM $1',
);

/** The columns that a request changes. */
export const CHANGED = [
  'url',
  'description',
  'eventTypes',
  'mode',
  'headerNames',
  'sealed',
  'keyId',
  'formerValidUntil',
  'enabled',
  'updatedAt',
] as const;

/**
 * $1 destination, $2 its version before, then the columns of `CHANGED`. Returns no row if it was changed
 * meanwhile. Enabling it starts the clock of its failures again.
 */
export const CHANGE = sql<DestinationRow>(
  `UPDATE event_destinations SET version = version + 1,
     ${CHANGED.map((name, index) => `${columnNames(EventDestinationEntity, [name])} = $${index + 3}`).join(', ')},
     disabled_reason = CASE WHEN $${CHANGED.indexOf('enabled') + 3} THEN NULL ELSE disabled_reason END,
     failing_since = CASE WHEN enabled THEN failing_since END,
     warnings = CASE WHEN enabled THEN warnings ELSE 0 END
   WHERE id = $1 AND version = $2 RETURNING ${columns(EventDestinationEntity)}`,
  undefined,
  { destroys: true },
);

/** $1 destination, $2 project or NULL for the operator. */
export const DELETE = sql<{ id: string }>(
  'DELETE FROM event_destinations WHERE id = $1 AND project_id IS NOT DISTINCT FROM $2 RETURNING id',
  undefined,
  { destroys: true },
);

/** $1 project. In the order of ids, so that it and the publisher can't wait for each other. */
export const LOCK_OF_PROJECT = sql<never>(
  ({ rowLock }) => `SELECT id FROM event_destinations WHERE project_id = $1 ORDER BY id ${rowLock()}`,
);

/** $1 project. */
export const DELETE_OF_PROJECT = sql<never>(
  'DELETE FROM event_destinations WHERE project_id = $1',
  undefined,
  {
    destroys: true,
  },
);

/** $1 destination, $2 reason, $3 now. Returns no row if it is disabled or deleted. */
export const DISABLE = sql<DestinationRow>(
  `UPDATE event_destinations SET enabled = false, disabled_reason = $2, version = version + 1, updated_at = $3
   WHERE id = $1 AND enabled RETURNING ${columns(EventDestinationEntity)}`,
);

/**
 * $1 destination, $2 warnings before. Returns no row if another process was first. Each warning is a new
 * version, so that consumers can tell the events about it apart.
 */
export const WARN = sql<DestinationRow>(
  `UPDATE event_destinations SET warnings = warnings + 1, version = version + 1
   WHERE id = $1 AND warnings = $2 AND enabled AND failing_since IS NOT NULL
   RETURNING ${columns(EventDestinationEntity)}`,
);

const FAILURE = ['id', 'projectId', 'failingSince', 'lastFailureAt', 'warnings'] as const;
export type FailingDestination = Pick<DestinationRow, (typeof FAILURE)[number]>;

/** $1 one day ago, $2 destination after which, $3 limit. */
export const FAILING = sql<FailingDestination>(
  `SELECT ${columns(EventDestinationEntity, { only: FAILURE })} FROM event_destinations
   WHERE enabled AND failing_since IS NOT NULL AND failing_since <= $1 AND id > $2 ORDER BY id LIMIT $3`,
);
