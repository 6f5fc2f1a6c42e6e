import { columnNames, columnProperties, columns, inserted } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import type { StoredVersion } from '../merge/observation.js';
import { StripeDisputeEntity } from './ledger.entities.js';
import {
  LedgerActiveDayEntity,
  LedgerCountEntity,
  LedgerDayEntity,
  LedgerRevenueEntity,
} from './statistics.entities.js';

/** Columns outside an object's state. `confirmedBy` has a statement of its own. */
const NOT_STATE: readonly string[] = ['projectId', 'mode', 'id', 'revision', 'updatedAt', 'confirmedBy'];

/**
 * Statements for a table with one row per Stripe object. In all of them $1 is the project, $2 the mode and $3
 * Stripe's id; the state follows in the order of `fields`.
 * @param key the property of Stripe's id
 */
export function tableStatements<State extends object>(entity: new () => State, table: string, key: string) {
  const fields = columnProperties(entity).filter((name) => name !== key && !NOT_STATE.includes(name));
  const stored = columnProperties(entity).filter((name) => fields.includes(name) || name === 'revision');
  const names = fields.map((field) => columnNames(entity, [field]));
  // Disputes have none.
  const updatedAt = columnProperties(entity)
    .filter((name) => name === 'updatedAt')
    .map(() => 'updated_at');
  const keyName = columnNames(
    entity,
    columnProperties(entity).filter((name) => name === key),
  );
  const row = `project_id = $1 AND mode = $2 AND ${keyName} = $3`;
  const find = `SELECT ${columns(entity, { only: stored })} FROM ${table} WHERE ${row}`;
  return {
    fields,
    find: sql<State & StoredVersion>(find, `find_${table}`),
    lock: sql<State & StoredVersion>(({ rowLock }) => `${find} ${rowLock()}`, `lock_${table}`),
    /** $4 our id. */
    insert: sql<never>(
      ({
        now,
      }) => `INSERT INTO ${table} (project_id, mode, ${keyName}, id, revision, ${[...names, ...updatedAt].join(', ')})
       VALUES ($1, $2, $3, $4, 1,
         ${[...names.map((_, index) => `$${index + 5}`), ...updatedAt.map(() => now)].join(', ')})`,
      `insert_${table}`,
    ),
    update: sql<never>(
      ({ now }) =>
        `UPDATE ${table} SET revision = revision + 1, ${[
          ...names.map((name, index) => `${name} = $${index + 4}`),
          ...updatedAt.map((name) => `${name} = ${now}`),
        ].join(', ')} WHERE ${row}`,
      `update_${table}`,
    ),
    delete: sql<never>(`DELETE FROM ${table} WHERE ${row}`, `delete_${table}`),
  };
}

/**
 * $1 project, $2 mode, $3 subscription, $4 whether Stripe answered with the stored key. An event doesn't
 * prove the account, so it only confirms a row that nothing has confirmed yet.
 */
export const CONFIRM = sql<never>(
  ({
    now,
  }) => `UPDATE stripe_subscriptions SET confirmed_by = k.fingerprint, updated_at = ${now} FROM stripe_credentials k
   WHERE k.project_id = $1 AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0
     AND stripe_subscriptions.project_id = $1 AND stripe_subscriptions.mode = $2 AND subscription_id = $3
     AND (confirmed_by IS NULL OR ($4 AND confirmed_by <> k.fingerprint))`,
  'confirm_stripe_subscription',
);

/** $1 project, $2 mode, $3 a dispute, or a disputed payment. */
export const FIND_DISPUTES = sql<Pick<StripeDisputeEntity, 'disputeId'>>(
  `SELECT ${columns(StripeDisputeEntity, { only: ['disputeId'] })} FROM stripe_disputes
   WHERE project_id = $1 AND mode = $2 AND (dispute_id = $3 OR payment_intent_id = $3) ORDER BY 1`,
  'find_stripe_disputes_of',
);

/** $1 project, $2 mode, $3 payment. For a change of what the payment's row shows of another table. */
export const TOUCH_PAYMENT = sql<never>(
  ({ now }) => `UPDATE stripe_payments SET updated_at = ${now}
   WHERE project_id = $1 AND mode = $2 AND payment_intent_id = $3`,
  'touch_stripe_payment',
);

/** $1 project, $2 mode, $3 our id of a subscription. For payments that show it from now on. */
export const TOUCH_PAYMENTS_OF_SUBSCRIPTION = sql<never>(
  ({ now }) => `UPDATE stripe_payments SET updated_at = ${now}
   WHERE project_id = $1 AND mode = $2 AND subscription_id = $3`,
  'touch_stripe_payments_of_subscription',
);

/** $1 project, $2 mode, $3 kind, $4 status, $5 slot, $6 addition. */
export const COUNT = sql<never>(
  `INSERT INTO ledger_counts ${inserted(LedgerCountEntity)}
   ON CONFLICT (project_id, mode, kind, status, slot) DO UPDATE SET total = ledger_counts.total + excluded.total`,
  'count_in_ledger',
);

/**
 * $1 project, $2 mode, $3 currency, $4 slot; additions: $5 payments, $6 gross, $7 paid outside of Stripe, $8
 * net.
 */
export const ADD_REVENUE = sql<never>(
  `INSERT INTO ledger_revenue ${inserted(LedgerRevenueEntity)}
   ON CONFLICT (project_id, mode, currency, slot) DO UPDATE SET payments = ledger_revenue.payments + excluded.payments,
     gross_cents = ledger_revenue.gross_cents + excluded.gross_cents, net_cents = ledger_revenue.net_cents + excluded.net_cents,
     out_of_band_cents = ledger_revenue.out_of_band_cents + excluded.out_of_band_cents`,
  'add_revenue_in_ledger',
);

/** $1 project, $2 mode, $3 day, $4 currency, $5 slot; additions: `DAY_AMOUNTS`. */
export const ADD_DAY = sql<never>(
  `INSERT INTO ledger_days (${columnNames(LedgerDayEntity)}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
   ON CONFLICT (project_id, mode, day, currency, slot) DO UPDATE SET payments = ledger_days.payments + excluded.payments,
     gross_cents = ledger_days.gross_cents + excluded.gross_cents,
     refunded_cents = ledger_days.refunded_cents + excluded.refunded_cents,
     disputes = ledger_days.disputes + excluded.disputes,
     disputed_cents = ledger_days.disputed_cents + excluded.disputed_cents, net_cents = ledger_days.net_cents + excluded.net_cents`,
  'add_day_in_ledger',
);

/** $1 project, $2 mode, $3 day, $4 slot, $5 addition. */
export const ADD_ACTIVE = sql<never>(
  `INSERT INTO ledger_active_days (${columnNames(LedgerActiveDayEntity)}) VALUES ($1, $2, $3, $4, $5)
   ON CONFLICT (project_id, mode, day, slot) DO UPDATE SET change = ledger_active_days.change + excluded.change`,
  'add_active_day_in_ledger',
);
