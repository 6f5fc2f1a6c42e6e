import type { OwnerId } from '../../common/ids.js';
import { columns, inserted, type RowOf } from '../../database/columns.js';
import { sql } from '../../database/database.js';
import type { ProjectHealth } from '../../projects/project.entity.js';
import { EventDestinationEntity } from '../events/destinations/event-destination.entity.js';
import { AlertMailEntity } from './alert-mail.entity.js';

export type AlertMail = RowOf<AlertMailEntity>;

/** Parameters: `columnValues(AlertMailEntity, …)`. */
export const ADD = sql<never>(
  `INSERT INTO alert_mails ${inserted(AlertMailEntity)} ON CONFLICT (id) DO NOTHING`,
);

const findRecent = (ofProject: string) =>
  sql<Pick<AlertMail, 'createdAt'>>(
    `SELECT ${columns(AlertMailEntity, { only: ['createdAt'] })} FROM alert_mails
     WHERE ${ofProject} AND type = $1 AND problem = $2 AND created_at > $3 ORDER BY created_at DESC LIMIT 1`,
  );

/** $1 type, $2 problem, $3 a day ago; `ofProject` also $4 project. */
export const FIND_RECENT = {
  toOperators: findRecent('project_id IS NULL'),
  ofProject: findRecent('project_id = $4'),
};

/** $1 project, $2 type, $3 problem, $4 now. Returns what was withdrawn. */
export const WITHDRAW_POSTPONED = sql<{ id: string }>(
  `DELETE FROM alert_mails WHERE project_id = $1 AND type = $2 AND problem = $3 AND created_at > $4 RETURNING id`,
);

/** $1 destination. Returns nothing once it was enabled or deleted. */
export const FIND_DISABLED = sql<Pick<EventDestinationEntity, 'id' | 'url' | 'description'>>(
  `SELECT ${columns(EventDestinationEntity, { only: ['id', 'url', 'description'] })} FROM event_destinations
   WHERE id = $1 AND disabled_reason IS NOT NULL`,
);

/** $1 project. Its owner and admins, without those who want no mails. */
export const FIND_RECIPIENTS = sql<{ subject: OwnerId }>(
  `SELECT people.subject AS "subject" FROM (
     SELECT owner_id AS subject FROM projects WHERE id = $1 AND deleted_at IS NULL
     UNION SELECT m.subject FROM project_members m JOIN projects p ON p.id = m.project_id AND p.deleted_at IS NULL
     WHERE m.project_id = $1 AND m.role = 'admin') AS people
   LEFT JOIN member_notifications n ON n.project_id = $1 AND n.subject = people.subject
   WHERE n.enabled IS NULL OR n.enabled`,
);

/** $1 now, $2 end of the lease, $3 limit. */
export const LEASE = sql<AlertMail>(
  ({ rowLock }) => `UPDATE alert_mails SET due_at = $2, attempts = attempts + 1
   WHERE id IN (SELECT id FROM alert_mails WHERE due_at <= $1 ORDER BY due_at LIMIT $3
     ${rowLock({ skipLocked: true })})
   RETURNING ${columns(AlertMailEntity)}`,
);

/** $1 mail, $2 next time or NULL. */
export const FINISH = sql<never>('UPDATE alert_mails SET due_at = $2 WHERE id = $1');

/** $1 time. */
export const FORGET = sql<never>('DELETE FROM alert_mails WHERE created_at < $1 AND due_at IS NULL');

export const COUNT_HEALTHS = sql<{ health: ProjectHealth; count: number }>(
  'SELECT health, count(*) AS count FROM projects WHERE deleted_at IS NULL GROUP BY health',
);

export const COUNT_PROBLEMS = sql<{ problems: number; count: number }>(
  'SELECT problems, count(*) AS count FROM projects WHERE deleted_at IS NULL AND problems IS NOT NULL GROUP BY problems',
);

/** Destinations that this service disabled, of projects and of the operator. */
export const COUNT_DISABLED = sql<{ count: number }>(
  'SELECT count(*) AS count FROM event_destinations WHERE disabled_reason IS NOT NULL',
);
