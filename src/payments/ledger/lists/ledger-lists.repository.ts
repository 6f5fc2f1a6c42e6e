import { Injectable } from '@nestjs/common';
import type { OwnerId, ProjectId } from '../../../common/ids.js';
import { Database, sql, type SqlValue } from '../../../database/database.js';
import { STRIPE_MODES, type StripeMode } from '../../stripe-config/credential-rules.js';
import { PAYMENT_COLUMNS, PAYMENT_VIEW, type PaymentRow } from '../dto/payment.response.js';
import { SUBSCRIPTION_COLUMNS, SUBSCRIPTION_VIEW, type SubscriptionRow } from '../dto/subscription.response.js';

/** Which rows a list shows: those of one owner's projects, which are not deleted. */
export interface LedgerFilter {
  readonly ownerId: OwnerId;
  readonly projectId?: ProjectId;
  readonly mode?: StripeMode;
  readonly status?: string;
}

export interface Page {
  readonly limit: number;
  readonly offset: number;
}

export interface Listed<Row> {
  readonly rows: (Row & { project_name: string })[];
  /** How many there are on all pages. */
  readonly total: number;
}

interface Kind<Row> {
  readonly name: 'subscription' | 'payment';
  readonly table: string;
  readonly columns: string;
  /** What is shown of the rows that were `listed`. */
  readonly view: string;
  /** Never set: carries the row's type. */
  readonly row?: Row;
}

const SUBSCRIPTIONS: Kind<SubscriptionRow> = {
  name: 'subscription',
  table: 'stripe_subscriptions',
  columns: SUBSCRIPTION_COLUMNS,
  view: SUBSCRIPTION_VIEW,
};
const PAYMENTS: Kind<PaymentRow> = { name: 'payment', table: 'stripe_payments', columns: PAYMENT_COLUMNS, view: PAYMENT_VIEW };

/** Lists, newest first and in total order. Each is one range of an index for each mode; how many there are is kept and not counted. */
@Injectable()
export class LedgerListsRepository {
  constructor(private readonly database: Database) {}

  subscriptions(filter: LedgerFilter, page: Page): Promise<Listed<SubscriptionRow>> {
    return this.#list(SUBSCRIPTIONS, filter, page);
  }

  payments(filter: LedgerFilter, page: Page): Promise<Listed<PaymentRow>> {
    return this.#list(PAYMENTS, filter, page);
  }

  async #list<Row>(kind: Kind<Row>, filter: LedgerFilter, page: Page): Promise<Listed<Row>> {
    const [rows, total] = await Promise.all([this.#rows(kind, filter, page), this.#total(kind, filter)]);
    return { rows, total };
  }

  #rows<Row>({ table, columns, view }: Kind<Row>, filter: LedgerFilter, { limit, offset }: Page): Promise<Listed<Row>['rows']> {
    const values: SqlValue[] = [limit, offset, offset + limit];
    const bind = (value: SqlValue) => `$${values.push(value)}`;
    // By project the rows come from its index, and the project tells whose it is; else from the index by owner.
    const whose = filter.projectId
      ? `l.project_id = ${bind(filter.projectId)} AND p.owner_id = ${bind(filter.ownerId)}`
      : `l.owner_id = ${bind(filter.ownerId)}`;
    const status = filter.status ? `AND l.status = ${bind(filter.status)}` : '';
    const ofMode = (mode: StripeMode) => `
      SELECT * FROM (
        SELECT ${columns.replaceAll(/\w+/g, 'l.$&')}, p.name AS project_name FROM ${table} l JOIN projects p ON p.id = l.project_id
        WHERE ${whose} AND l.mode = '${mode}' ${status} AND p.deleted_at IS NULL
        ORDER BY l.created_at DESC, l.id DESC LIMIT $3) AS of_${mode}`;
    const modes = filter.mode ? [filter.mode] : STRIPE_MODES;
    const text = `SELECT ${view}, project_name FROM (${modes.map(ofMode).join(' UNION ALL ')}) AS listed ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2`;
    return this.database.query(sql(text, `list_${table}_${variantOf(filter)}`), values);
  }

  async #total({ name }: Kind<unknown>, filter: LedgerFilter): Promise<number> {
    const values: SqlValue[] = [name, filter.ownerId];
    const equals = (column: string, value: SqlValue | undefined) => (value === undefined ? '' : `AND n.${column} = $${values.push(value)}`);
    const text = `SELECT SUM(n.total) AS total FROM projects p JOIN ledger_counts n ON n.project_id = p.id
      WHERE n.kind = $1 AND p.owner_id = $2 AND p.deleted_at IS NULL
      ${equals('project_id', filter.projectId)} ${equals('mode', filter.mode)} ${equals('status', filter.status)}`;
    const [row] = await this.database.query(sql<{ total: number | string | null }>(text, `total_in_ledger_${variantOf(filter)}`), values);
    return Number(row?.total ?? 0);
  }
}

/** Of which filters the statement is made, for its name. */
function variantOf({ projectId, mode, status }: LedgerFilter): string {
  return [projectId ? 'project' : 'owner', mode ?? 'both', ...(status ? ['status'] : [])].join('_');
}
