import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { Database, run, send, sql, type Transaction } from '../../database/database.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { ForeignObject } from './foreign-object.js';
import type { LedgerChange } from './ledger-change.js';

/** $1 project: a deleted one still owns what it sold. */
const IS_PROJECT = sql<{ id: ProjectId }>('is_project', 'SELECT id FROM projects WHERE id = $1');

/** $1 project, $2 mode, $3 object, $4 now. */
const MARK = sql<never>(
  'mark_foreign_stripe_object',
  `INSERT INTO stripe_foreign_objects (project_id, mode, object_id, created_at) VALUES ($1, $2, $3, $4)
   ON CONFLICT (project_id, mode, object_id) DO NOTHING`,
);

/** $1 project, $2 mode, $3 ids as a JSON array. */
const FIND = {
  sqlite: sql<{ object_id: string }>('', find('SELECT value FROM json_each($3)')),
  postgres: sql<{ object_id: string }>('find_foreign_stripe_objects', find('SELECT json_array_elements_text($3::json)')),
};

function find(ids: string): string {
  return `SELECT object_id FROM stripe_foreign_objects WHERE project_id = $1 AND mode = $2 AND object_id IN (${ids})`;
}

/** Which objects of a Stripe account belong to other projects that share it. */
@Injectable()
export class ForeignObjectsRepository {
  constructor(private readonly database: Database) {}

  /** Whether any project here has or had this id. */
  async isProject(id: ProjectId): Promise<boolean> {
    return (await this.database.query(IS_PROJECT, [id])).length > 0;
  }

  *mark(projectId: ProjectId, mode: StripeMode, objectIds: readonly string[]): Transaction<void> {
    const now = new Date();
    for (const id of objectIds) yield* send(MARK, [projectId, mode, id, now]);
  }

  /** Part of the transaction that writes the change. @throws ForeignObject when it is about an object that was marked */
  *check({ projectId, mode, party, subscription, payments, dispute, isOurs }: LedgerChange): Transaction<void> {
    const ids = [
      subscription?.subscriptionId ?? party.subscriptionId,
      ...payments.flatMap(({ paymentIntentId, chargeId, subscriptionId }) => [paymentIntentId, chargeId, subscriptionId]),
      dispute?.paymentIntentId,
      dispute?.chargeId,
    ].filter((id) => typeof id === 'string');
    if (isOurs || ids.length === 0) return;
    const marked = yield* run(FIND[this.database.engine], [projectId, mode, JSON.stringify(ids)]);
    if (marked.length > 0)
      throw new ForeignObject(
        payments.map(({ paymentIntentId }) => paymentIntentId),
        party.customerIds,
      );
  }
}
