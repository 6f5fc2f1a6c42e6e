import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { Database, query, sql, toTimestamp } from '../../database/database.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import type { RefusalReason } from './refusals.js';

/** Deliveries that were refused for one reason. */
export interface RefusalCount {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
  readonly reason: RefusalReason;
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

interface RefusalRow {
  project_id: ProjectId;
  mode: StripeMode;
  reason: RefusalReason;
  /** Text on PostgreSQL. */
  count: string | number;
  first_at: Date | string;
  last_at: Date | string;
}

/** $1 project, $2 mode, $3 reason, $4 how many more, $5 first, $6 last. */
const ADD = sql<never>(
  `INSERT INTO webhook_refusals AS r (project_id, mode, reason, count, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $6)
   ON CONFLICT (project_id, mode, reason) DO UPDATE SET count = r.count + excluded.count,
     last_at = CASE WHEN r.last_at > excluded.last_at THEN r.last_at ELSE excluded.last_at END`,
  'add_webhook_refusals',
);

/** $1 project, $2 mode or `null`. */
const FIND = sql<RefusalRow>(
  `SELECT project_id, mode, reason, count, first_at, last_at FROM webhook_refusals
   WHERE project_id = $1 AND mode = COALESCE($2, mode) ORDER BY last_at DESC, mode, reason`,
  'find_webhook_refusals',
);

@Injectable()
export class WebhookRefusalsRepository {
  constructor(private readonly database: Database) {}

  /** Adds to what was counted before. Always in one order, so that two processes don't wait for each other. */
  async add(counts: readonly RefusalCount[]): Promise<void> {
    const rows = counts.map(({ projectId, mode, reason, count, firstAt, lastAt }) => [projectId, mode, reason, count, firstAt, lastAt]);
    rows.sort((one, other) => (String(one) < String(other) ? -1 : 1));
    await this.database.transaction(function* () {
      for (const row of rows) yield* query(ADD, row);
    });
  }

  /** The latest first. */
  async findByProject(projectId: ProjectId, mode: StripeMode | null): Promise<RefusalCount[]> {
    const rows = await this.database.query(FIND, [projectId, mode]);
    return rows.map((row) => ({
      projectId: row.project_id,
      mode: row.mode,
      reason: row.reason,
      count: Number(row.count),
      firstAt: new Date(toTimestamp(row.first_at)),
      lastAt: new Date(toTimestamp(row.last_at)),
    }));
  }
}
