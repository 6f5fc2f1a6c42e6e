import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { columnNames, columns, columnValues, type RowOf } from '../../database/columns.js';
import { Database, query, sql } from '../../database/database.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { WebhookRefusalEntity } from './webhook-refusal.entity.js';

/** The refused deliveries of one project and mode, for one reason. */
export type RefusalCount = RowOf<WebhookRefusalEntity>;

/** $1 project, $2 mode, $3 reason, $4 how many more, $5 first, $6 last. */
const ADD = sql<never>(
  `INSERT INTO webhook_refusals AS r (${columnNames(WebhookRefusalEntity)}) VALUES ($1, $2, $3, $4, $5, $6)
   ON CONFLICT (project_id, mode, reason) DO UPDATE SET count = r.count + excluded.count,
     last_at = CASE WHEN r.last_at > excluded.last_at THEN r.last_at ELSE excluded.last_at END`,
  'add_webhook_refusals',
);

/** $1 project, $2 mode or `null`. */
const FIND = sql<RefusalCount>(
  `SELECT ${columns(WebhookRefusalEntity)} FROM webhook_refusals
   WHERE project_id = $1 AND mode = COALESCE($2, mode) ORDER BY last_at DESC, mode, reason`,
  'find_webhook_refusals',
);

@Injectable()
export class WebhookRefusalsRepository {
  constructor(private readonly database: Database) {}

  /** Adds to the stored counts, in one order, so that two processes can't deadlock. */
  async add(counts: readonly RefusalCount[]): Promise<void> {
    const rows = counts.map((count) => columnValues(WebhookRefusalEntity, count));
    rows.sort((one, other) => (String(one) < String(other) ? -1 : 1));
    await this.database.transaction(function* () {
      for (const row of rows) yield* query(ADD, row);
    });
  }

  /** The latest first. */
  findByProject(projectId: ProjectId, mode: StripeMode | null): Promise<RefusalCount[]> {
    return this.database.query(FIND, [projectId, mode]);
  }
}
