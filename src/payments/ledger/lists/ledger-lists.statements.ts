import type { OwnerId, ProjectId } from '../../../common/ids.js';
import { columns, type RowOf } from '../../../database/columns.js';
import { sql, type SqlValue, type Statement, type StatementOptions } from '../../../database/database.js';
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

/** Selects the rows of a list: those of one owner's projects that are not deleted. */
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
 * One page, newest first and in total order. Each mode is one range of an index, so the first page is fast in
 * a table of any size.
 */
export function listPage<View>(
  { table, view, options }: ListKind<View>,
  filter: LedgerFilter,
  { limit, offset }: Page,
): Call<Listed<View>> {
  const values: SqlValue[] = [limit, offset, offset + limit];
  const bind = (value: SqlValue) => `$${values.push(value)}`;
  // One project is read by the index on project, all projects by the index on owner. The join checks the
  // project's owner.
  const whose = filter.projectId
    ? `l.project_id = ${bind(filter.projectId)} AND p.owner_id = ${bind(filter.ownerId)}`
    : `l.owner_id = ${bind(filter.ownerId)}`;
  const status = filter.status ? `AND l.status = ${bind(filter.status)}` : '';
  const ofMode = (mode: StripeMode) => `
    SELECT * FROM (
      SELECT l.*, p.name AS project_name FROM ${table} l JOIN projects p ON p.id = l.project_id
      WHERE ${whose} AND l.mode = '${mode}' ${status} AND p.deleted_at IS NULL
      ORDER BY l.created_at DESC, l.id DESC LIMIT $3) AS of_${mode}`;
  const modes = filter.mode ? [filter.mode] : STRIPE_MODES;
  const text = `SELECT ${view}, project_name AS "projectName" FROM (${modes.map(ofMode).join(' UNION ALL ')}) AS listed
    ORDER BY listed.created_at DESC, listed.id DESC LIMIT $1 OFFSET $2`;
  return { statement: sql(text, `list_${table}_${variantOf(filter)}`, options), values };
}

/** Number of rows on all pages, from the statistics. */
export function listTotal({ name }: ListKind<unknown>, filter: LedgerFilter): Call<{ total: number | null }> {
  const values: SqlValue[] = [name, filter.ownerId];
  const equals = (column: string, value: SqlValue | undefined) =>
    value === undefined ? '' : `AND n.${column} = $${values.push(value)}`;
  const text = `SELECT SUM(n.total) AS total FROM projects p JOIN ledger_counts n ON n.project_id = p.id
    WHERE n.kind = $1 AND p.owner_id = $2 AND p.deleted_at IS NULL
    ${equals('project_id', filter.projectId)} ${equals('mode', filter.mode)} ${equals('status', filter.status)}`;
  return { statement: sql(text, `total_in_ledger_${variantOf(filter)}`), values };
}

/** Distinguishes the statements by their filters, since each text needs a name of its own. */
function variantOf({ projectId, mode, status }: LedgerFilter): string {
  return [projectId ? 'project' : 'owner', mode ?? 'both', ...(status ? ['status'] : [])].join('_');
}
