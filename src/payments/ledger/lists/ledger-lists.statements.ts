import type { ProjectId } from '../../../common/ids.js';
import { columns, type RowOf } from '../../../database/columns.js';
import { sql, type SqlValue, type Statement, type StatementOptions } from '../../../database/database.js';
import type { Dialect } from '../../../database/dialect.js';
import { isOfOtherAccount } from '../../stripe-config/stripe-config.statements.js';
import { STRIPE_MODES, type StripeMode } from '../../stripe/stripe-mode.js';
import { StripePaymentEntity, StripeSubscriptionEntity } from '../store/ledger.entities.js';

const PAYMENT = [
  'id',
  'projectId',
  'mode',
  'paymentIntentId',
  'userId',
  'status',
  'amountCents',
  'currency',
  'source',
  'refundedAmountCents',
  'description',
  'createdAt',
] as const;

/** A payment as clients see it. */
export interface PaymentView extends Pick<RowOf<StripePaymentEntity>, (typeof PAYMENT)[number]> {
  /** Our id of the subscription; `null` if the ledger doesn't have the subscription. */
  readonly knownSubscriptionId: string | null;
  /** Status of the latest dispute. */
  readonly disputeStatus: string | null;
}

/** Select list for the payments in `listed`. */
export const PAYMENT_VIEW = `${columns(StripePaymentEntity, { of: 'listed', only: PAYMENT })},
  (SELECT s.id FROM stripe_subscriptions s WHERE s.id = listed.subscription_id) AS "knownSubscriptionId",
  (SELECT d.status FROM stripe_disputes d
   WHERE d.project_id = listed.project_id AND d.mode = listed.mode AND d.payment_intent_id = listed.payment_intent_id
   ORDER BY d.created_at DESC, d.dispute_id LIMIT 1) AS "disputeStatus"`;

/** A subscription as clients see it. */
export interface SubscriptionView extends RowOf<StripeSubscriptionEntity> {
  readonly accountMismatch: boolean;
}

/** SQL: whether a row of `listed` belongs to a former Stripe account. */
export const IS_ACCOUNT_MISMATCH = isOfOtherAccount('listed', 'confirmed_by');

/** Select list for the subscriptions in `listed`, to be used with `SUBSCRIPTION_FLAGS`. */
export const SUBSCRIPTION_VIEW = `${columns(StripeSubscriptionEntity, { of: 'listed' })}, ${IS_ACCOUNT_MISMATCH} AS "accountMismatch"`;
export const SUBSCRIPTION_FLAGS = { computed: { accountMismatch: Boolean } };

/** Selects the rows of a list among those of the given projects. */
export interface LedgerFilter {
  readonly mode?: StripeMode;
  readonly status?: string;
}

/** The part of a list that one project has in one mode: one range of an index. */
export interface Part {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
}

/** The parts that have the rows of a page, none of which is older than `since`. */
export interface Excerpt {
  readonly parts: readonly Part[];
  readonly since: Date;
}

export interface Page {
  readonly limit: number;
  readonly offset: number;
}

export type Listed<View> = View & { readonly projectName: string };

/** Table and select list of one kind of list. */
export interface ListKind<View> {
  readonly name: 'subscription' | 'payment';
  readonly table: string;
  readonly view: string;
  readonly options?: StatementOptions<Listed<View>>;
  /** Never set: carries the row's type. */
  readonly row?: View;
}

export const SUBSCRIPTION_LIST: ListKind<SubscriptionView> = {
  name: 'subscription',
  table: 'stripe_subscriptions',
  view: SUBSCRIPTION_VIEW,
  options: SUBSCRIPTION_FLAGS,
};
export const PAYMENT_LIST: ListKind<PaymentView> = {
  name: 'payment',
  table: 'stripe_payments',
  view: PAYMENT_VIEW,
};

interface Call<Row> {
  readonly statement: Statement<Row>;
  readonly values: SqlValue[];
}

/**
 * The time of the newest row in each part of a list, from the end of a range of an index. `null` without a row.
 */
export function newestOfParts(
  { table }: ListKind<unknown>,
  projects: readonly ProjectId[],
  filter: LedgerFilter,
): Call<Part & { readonly at: Date | null }> {
  const values: SqlValue[] = [JSON.stringify(projects)];
  const conditions = conditionsOf(filter, (value) => `$${values.push(value)}`);
  const modes = filter.mode ? [filter.mode] : STRIPE_MODES;
  const newest = (mode: StripeMode) => `SELECT p.id AS "projectId", '${mode}' AS mode,
      (SELECT l.created_at FROM ${table} l WHERE l.project_id = p.id AND l.mode = '${mode}' ${conditions('l')}
       ORDER BY l.created_at DESC LIMIT 1) AS at
    FROM listed p`;
  const statement = sql<Part & { readonly at: Date | null }>(
    ({ jsonUuids }) => `WITH listed AS (SELECT id FROM projects WHERE id IN (${jsonUuids('$1')}))
      ${modes.map(newest).join(' UNION ALL ')}`,
    `newest_in_${table}_${variantOf(filter)}`,
    { computed: { at: Date } },
  );
  return { statement, values };
}

/**
 * One page of the rows of some parts, newest first and in total order. Reads at most offset and limit rows of
 * each part, and none older than `since`.
 */
export function listPage<View>(
  { table, view, options }: ListKind<View>,
  { parts, since }: Excerpt,
  filter: LedgerFilter,
  { limit, offset }: Page,
): Call<Listed<View>> {
  const values: SqlValue[] = [limit, offset, offset + limit, since];
  const bind = (value: SqlValue) => `$${values.push(value)}`;
  const conditions = conditionsOf(filter, bind);
  const ofMode = (mode: StripeMode) => {
    const projects = bind(
      JSON.stringify(parts.filter((part) => part.mode === mode).map(({ projectId }) => projectId)),
    );
    return ({ joinFirst, jsonUuids }: Dialect) => `
      SELECT l.*, p.name AS project_name FROM projects p ${joinFirst({
        table,
        as: 'l',
        where: (row) =>
          `${row}.project_id = p.id AND ${row}.mode = '${mode}' AND ${row}.created_at >= $4 ${conditions(row)}`,
        orderBy: (row) => `${row}.created_at DESC, ${row}.id DESC`,
        limit: '$3',
      })} WHERE p.id IN (${jsonUuids(projects)})`;
  };
  const modes = (filter.mode ? [filter.mode] : STRIPE_MODES).map(ofMode);
  const statement = sql<Listed<View>>(
    (dialect) => `SELECT ${view}, project_name AS "projectName"
      FROM (${modes.map((text) => text(dialect)).join(' UNION ALL ')}) AS listed
      ORDER BY listed.created_at DESC, listed.id DESC LIMIT $1 OFFSET $2`,
    `list_${table}_${variantOf(filter)}`,
    options,
  );
  return { statement, values };
}

/** Number of rows on all pages, from the statistics. */
export function listTotal(
  { name }: ListKind<unknown>,
  projects: readonly ProjectId[],
  filter: LedgerFilter,
): Call<{ total: number | null }> {
  const values: SqlValue[] = [JSON.stringify(projects), name];
  const equals = (column: string, value: SqlValue | undefined) =>
    value === undefined ? '' : `AND n.${column} = $${values.push(value)}`;
  const conditions = `${equals('mode', filter.mode)} ${equals('status', filter.status)}`;
  const statement = sql<{ total: number | null }>(
    ({ jsonUuids }) => `SELECT SUM(n.total) AS total FROM ledger_counts n
      WHERE n.project_id IN (${jsonUuids('$1')}) AND n.kind = $2 ${conditions}`,
    `total_in_ledger_${variantOf(filter)}`,
  );
  return { statement, values };
}

/** @returns the conditions on a row, given the alias of its table */
function conditionsOf({ status }: LedgerFilter, bind: (value: SqlValue) => string): (row: string) => string {
  const bound = status === undefined ? undefined : bind(status);
  return (row) => (bound === undefined ? '' : `AND ${row}.status = ${bound}`);
}

/** Distinguishes the statements by their filters, since each text needs a name of its own. */
function variantOf({ mode, status }: LedgerFilter): string {
  return [mode ?? 'both', ...(status === undefined ? [] : ['status'])].join('_');
}
