import { inserted } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import { WebhookRefusalEntity } from './webhook-refusal.entity.js';

/**
 * $1 project, $2 mode, $3 reason, $4 count to add, $5 first time, $6 last time. TypeORM's upsert can't add to
 * a stored count.
 */
export const ADD = sql<never>(
  `INSERT INTO webhook_refusals AS r ${inserted(WebhookRefusalEntity)}
   ON CONFLICT (project_id, mode, reason) DO UPDATE SET count = r.count + excluded.count,
     last_at = CASE WHEN r.last_at > excluded.last_at THEN r.last_at ELSE excluded.last_at END`,
  'add_webhook_refusals',
);
