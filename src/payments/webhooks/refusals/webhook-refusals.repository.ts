import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { columnValues } from '../../../database/columns.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import { Database, query, type SqlValue, type Steps } from '../../../database/database.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { type RefusalCount, WebhookRefusalEntity } from './webhook-refusal.entity.js';
import { ADD } from './webhook-refusals.statements.js';

@Injectable()
export class WebhookRefusalsRepository {
  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
  ) {}

  /** Adds to the stored counts, sorted, so that two processes can't deadlock. */
  async add(counts: readonly RefusalCount[]): Promise<void> {
    const rows = counts.map((count) => columnValues(WebhookRefusalEntity, count));
    rows.sort((one, other) => (String(one) < String(other) ? -1 : 1));
    await this.database.transaction(() => this.#addRows(rows));
  }

  /** Newest first. */
  findByProject(projectId: ProjectId, mode: StripeMode | null): Promise<RefusalCount[]> {
    const counts = this.dataSource.getRepository(WebhookRefusalEntity).find({
      where: { projectId, ...(mode && { mode }) },
      order: { lastAt: 'DESC', mode: 'ASC', reason: 'ASC' },
    });
    return reachingDatabase(counts);
  }

  *#addRows(rows: SqlValue[][]): Steps<void> {
    for (const row of rows) yield* query(ADD, row);
  }
}
