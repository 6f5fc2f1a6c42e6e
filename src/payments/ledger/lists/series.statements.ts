import { sql } from '../../../database/database.js';
import type { DayRevenue } from '../store/statistics.entities.js';

export type RevenueOfDay = DayRevenue & { readonly day: string; readonly currency: string };

/** Both modes are named, so that each is one range of the primary key. */
const OF_MODE = "d.mode IN ('test', 'live') AND (d.mode = $2 OR $2 IS NULL)";

/** $1 projects, $2 mode or NULL for both, $3 first day, $4 last day. */
export const REVENUE_BY_DAY = sql<RevenueOfDay>(
  ({
    jsonUuids,
  }) => `SELECT d.day, d.currency, SUM(d.payments) AS payments, SUM(d.gross_cents) AS "grossCents",
     SUM(d.refunded_cents) AS "refundedCents", SUM(d.disputes) AS disputes,
     SUM(d.disputed_cents) AS "disputedCents", SUM(d.net_cents) AS "netCents"
   FROM ledger_days d WHERE d.project_id IN (${jsonUuids('$1')}) AND ${OF_MODE} AND d.day >= $3 AND d.day <= $4
   GROUP BY d.day, d.currency`,
  'revenue_by_day',
);

/** $1 projects, $2 mode or NULL for both, $3 first day, $4 last day. The day is empty for all before the first one. */
export const ACTIVE_BY_DAY = sql<{ readonly day: string; readonly change: number }>(
  ({ jsonUuids }) => `SELECT CASE WHEN d.day < $3 THEN '' ELSE d.day END AS day, SUM(d.change) AS change
   FROM ledger_active_days d WHERE d.project_id IN (${jsonUuids('$1')}) AND ${OF_MODE} AND d.day <= $4
   GROUP BY 1`,
  'active_by_day',
);
