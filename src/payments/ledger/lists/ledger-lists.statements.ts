import type { ProjectId } from '../../../common/ids.js';
import { columns, type RowOf } from '../../../database/columns.js';
import { sql, type SqlValue, type Statement, type StatementOptions } from '../../../database/database.js';
import type { Dialect } from '../../../database/dialect.js';
import { isOfOtherAccount } from '../../stripe-config/stripe-config.statements.js';
import { STRIPE_MODES, type StripeMode } from '../../stripe/stripe-mode.js';
import { StripePaymentEntity, StripeSubscriptionEntity } from '../store/ledger.entities.js';
import type { ListOrder } from './list.queries.js';

const PAYMENT = [
  'id',
  'projectId',
  'mode',
  'paymentIntentId',
  'userId',
  'customerId',
  'status',
  'amountCents',
  'currency',
  'source',
  'refundedAmountCents',
  'description',
  'createdAt',
  'updatedAt',
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
  readonly userId?: string;
  readonly customerId?: string;
  /** As clients see it: Stripe's id in the list of subscriptions, our id in that of payments. */
  readonly subscriptionId?: string;
  /** Stripe's id. */
  readonly paymentIntentId?: string;
  /** Inclusive. */
  readonly createdAfter?: Date;
  /** Exclusive. */
  readonly createdBefore?: Date;
  /** Inclusive. */
  readonly updatedSince?: Date;
  /** Exclusive: see `SETTLED`. */
  readonly updatedBefore?: Date;
  /** Newest first, or latest change last. */
  readonly order?: ListOrder;
}

/** The part of a list that one project has in one mode: one range of an index. */
export interface Part {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
}

/** The parts that have the rows of a page, none of which comes after the time `until` in the order of the list. */
export interface Excerpt {
  readonly parts: readonly Part[];
  readonly until: Date;
}

const ORDERS = {
  created_at: { column: 'created_at', direction: 'DESC', isUntil: '>=' },
  updated_at: { column: 'updated_at', direction: 'ASC', isUntil: '<=' },
} as const;

function orderOf({ order = 'created_at' }: LedgerFilter) {
  const { column, direction, isUntil } = ORDERS[order];
  return {
    column,
    isUntil,
    orderBy: (row: string) => `${row}.${column} ${direction}, ${row}.id ${direction}`,
  };
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

/** The time of the first row in each part of a list, from the end of a range of an index. `null` without a row. */
export function firstOfParts(
  kind: ListKind<unknown>,
  projects: readonly ProjectId[],
  filter: LedgerFilter,
): Call<Part & { readonly at: Date | null }> {
  const { table } = kind;
  const values: SqlValue[] = [JSON.stringify(projects)];
  const conditions = conditionsOf(kind, filter, (value) => `$${values.push(value)}`);
  const { column, orderBy } = orderOf(filter);
  const first = (mode: StripeMode, dialect: Dialect) => `SELECT p.id AS "projectId", '${mode}' AS mode,
      (SELECT l.${column} FROM ${table} l WHERE l.project_id = p.id AND l.mode = '${mode}' ${conditions('l', dialect)}
       ORDER BY ${orderBy('l')} LIMIT 1) AS at
    FROM listed p`;
  const statement = sql<Part & { readonly at: Date | null }>(
    (dialect) => `WITH listed AS (SELECT id FROM projects WHERE id IN (${dialect.jsonUuids('$1')}))
      ${modesOf(filter)
        .map((mode) => first(mode, dialect))
        .join(' UNION ALL ')}`,
    nameOf(`first_${kind.name}`, filter),
    { computed: { at: Date } },
  );
  return { statement, values };
}

/**
 * One page of the rows of some parts, in total order. Reads at most offset and limit rows of each part, and none
 * after the excerpt's end.
 */
export function listPage<View>(
  kind: ListKind<View>,
  { parts, until }: Excerpt,
  filter: LedgerFilter,
  { limit, offset }: Page,
): Call<Listed<View>> {
  const { table, view, options } = kind;
  const values: SqlValue[] = [limit, offset, offset + limit, until];
  const bind = (value: SqlValue) => `$${values.push(value)}`;
  const conditions = conditionsOf(kind, filter, bind);
  const { column, isUntil, orderBy } = orderOf(filter);
  const ofMode = (mode: StripeMode) => {
    const projects = bind(
      JSON.stringify(parts.filter((part) => part.mode === mode).map(({ projectId }) => projectId)),
    );
    return (dialect: Dialect) => `
      SELECT l.*, p.name AS project_name FROM projects p ${dialect.joinFirst({
        table,
        as: 'l',
        where: (row) =>
          `${row}.project_id = p.id AND ${row}.mode = '${mode}' AND ${row}.${column} ${isUntil} $4 ${conditions(row, dialect)}`,
        orderBy,
        limit: '$3',
      })} WHERE p.id IN (${dialect.jsonUuids(projects)})`;
  };
  const modes = modesOf(filter).map(ofMode);
  const statement = sql<Listed<View>>(
    (dialect) => `SELECT ${view}, project_name AS "projectName"
      FROM (${modes.map((text) => text(dialect)).join(' UNION ALL ')}) AS listed
      ORDER BY ${orderBy('listed')} LIMIT $1 OFFSET $2`,
    nameOf(`list_${kind.name}`, filter),
    options,
  );
  return { statement, values };
}

/** The greatest total that is counted row by row. */
export const MAX_COUNTED = 10_000;

/** Whether the statistics have the total of the filter. */
export function isCounted(filter: LedgerFilter): boolean {
  const { userId, customerId, subscriptionId, paymentIntentId, createdAfter, createdBefore, updatedSince } =
    filter;
  const uncounted = [
    userId,
    customerId,
    subscriptionId,
    paymentIntentId,
    createdAfter,
    createdBefore,
    updatedSince,
  ];
  return !uncounted.some(Boolean);
}

/** Number of rows on all pages, from the statistics; or counted, and then at most one more than `MAX_COUNTED`. */
export function listTotal(
  kind: ListKind<unknown>,
  projects: readonly ProjectId[],
  filter: LedgerFilter,
): Call<{ total: number | null }> {
  return isCounted(filter) ? storedTotal(kind, projects, filter) : countedTotal(kind, projects, filter);
}

function storedTotal(
  { name }: ListKind<unknown>,
  projects: readonly ProjectId[],
  { mode, status }: LedgerFilter,
): Call<{ total: number | null }> {
  const statement = sql<{ total: number | null }>(
    ({ jsonUuids }) => `SELECT SUM(n.total) AS total FROM ledger_counts n
      WHERE n.project_id IN (${jsonUuids('$1')}) AND n.kind = $2 AND (n.mode = $3 OR $3 IS NULL)
        AND (n.status = $4 OR $4 IS NULL)`,
    'total_in_ledger',
  );
  return { statement, values: [JSON.stringify(projects), name, mode ?? null, status ?? null] };
}

function countedTotal(
  kind: ListKind<unknown>,
  projects: readonly ProjectId[],
  filter: LedgerFilter,
): Call<{ total: number }> {
  const values: SqlValue[] = [JSON.stringify(projects), MAX_COUNTED + 1];
  const conditions = conditionsOf(kind, filter, (value) => `$${values.push(value)}`);
  // SQLite keeps the order of the loops in a CROSS JOIN.
  const ofMode = (mode: StripeMode, dialect: Dialect) =>
    `SELECT 1 AS one FROM projects p CROSS JOIN ${kind.table} l WHERE p.id IN (${dialect.jsonUuids('$1')})
       AND l.project_id = p.id AND l.mode = '${mode}' ${conditions('l', dialect)}`;
  const statement = sql<{ total: number }>(
    (dialect) => `SELECT COUNT(*) AS total FROM (
      ${modesOf(filter)
        .map((mode) => ofMode(mode, dialect))
        .join(' UNION ALL ')} LIMIT $2) AS counted`,
    nameOf(`count_${kind.name}`, filter),
  );
  return { statement, values };
}

/**
 * The time before which every write of the ledger is committed. A list in the order of updates ends there: a
 * transaction that commits later may have written an earlier time, and a client that polls would miss it.
 * PostgreSQL only: SQLite has one writer at a time.
 */
export const SETTLED = sql<{ at: Date }>(
  `SELECT date_trunc('milliseconds', least(clock_timestamp(), min(xact_start))) AS at FROM pg_stat_activity
   WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()`,
  'ledger_settled_at',
);

function modesOf({ mode }: LedgerFilter): readonly StripeMode[] {
  return mode ? [mode] : STRIPE_MODES;
}

/**
 * Puts the most selective equality first: it chooses the index. Each row is checked against the others.
 * @returns the conditions on a row, given the alias of its table
 */
function conditionsOf(
  { name }: ListKind<unknown>,
  filter: LedgerFilter,
  bind: (value: SqlValue) => string,
): (row: string, dialect: Dialect) => string {
  const equalities = [
    ['payment_intent_id', filter.paymentIntentId] as const,
    ['subscription_id', filter.subscriptionId] as const,
    ['customer_id', filter.customerId] as const,
    ['user_id', filter.userId] as const,
    ['status', filter.status] as const,
  ].flatMap(([column, value]) => (value === undefined ? [] : [{ column, parameter: bind(value) }]));
  const [first, ...others] = equalities;
  const ranges = [
    ['created_at >=', filter.createdAfter] as const,
    ['created_at <', filter.createdBefore] as const,
    ['updated_at >=', filter.updatedSince] as const,
    ['updated_at <', filter.updatedBefore] as const,
  ].flatMap(([comparison, time]) => (time ? [`${comparison} ${bind(time)}`] : []));
  // A payment shows a subscription only if the ledger has it.
  const paid = equalities.find(({ column }) => name === 'payment' && column === 'subscription_id');
  const known = paid ? [`EXISTS (SELECT 1 FROM stripe_subscriptions s WHERE s.id = ${paid.parameter})`] : [];
  return (row, { equalsUnindexed }) =>
    [
      ...(first ? [`${row}.${first.column} = ${first.parameter}`] : []),
      ...others.map(({ column, parameter }) => equalsUnindexed(`${row}.${column}`, parameter)),
      ...ranges.map((range) => `${row}.${range}`),
      ...known,
    ]
      .map((condition) => `AND ${condition}`)
      .join(' ');
}

/** Distinguishes the statements by their filters, since each text needs a name of its own, of 63 characters at most. */
function nameOf(list: string, filter: LedgerFilter): string {
  const names = Object.entries(filter).flatMap(([name, value]) => {
    if (value === undefined) return [];
    // Mode and order are part of the text. Other values are bound.
    return [name === 'mode' || name === 'order' ? String(value) : name.replace(/(?<=^..|[A-Z])[a-z]+/g, '')];
  });
  return [list, names.sort().join('')].join('_');
}
