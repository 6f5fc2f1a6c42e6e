import { columns, type RowOf } from '../../../database/columns.js';
import { sql } from '../../../database/database.js';
import { ProjectEntity } from '../../../projects/project.entity.js';
import { perReach, readablePage } from '../../../projects/members/readable-projects.statements.js';
import type { StripeConfigEntity } from '../../stripe-config/stripe-config.entities.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import type { Revenue } from '../store/statistics.entities.js';
import { ACTIVE_STATUSES } from '../merge/subscription.js';

const PROJECT = ['id', 'name', 'description', 'createdAt'] as const;

/**
 * A project with a summary of its configuration. Times are `null` if there is no such credential.
 */
export interface ConfiguredProject extends Pick<RowOf<ProjectEntity>, (typeof PROJECT)[number]> {
  /** `null` without a configuration in use. */
  readonly isActive: StripeConfigEntity['isActive'] | null;
  readonly testKeyWrittenAt: Date | null;
  readonly liveKeyWrittenAt: Date | null;
  readonly testConfiguredAt: Date | null;
  readonly liveConfiguredAt: Date | null;
}

/** Joins the configuration in use and the secret key of each mode to the projects in `p`. */
const CONFIGURATION = `
  LEFT JOIN stripe_configs c ON c.project_id = p.id AND c.is_active
  LEFT JOIN stripe_credentials test_key ON ${isSecretKey('test_key', 'test')}
  LEFT JOIN stripe_credentials live_key ON ${isSecretKey('live_key', 'live')}`;

function isSecretKey(of: string, mode: StripeMode): string {
  return `${of}.project_id = c.project_id AND ${of}.mode = '${mode}' AND ${of}.kind = 'secret_key' AND ${of}.slot = 0`;
}

/**
 * SQL: when a credential of the mode was last written. A subquery with ORDER BY keeps the column's type on
 * SQLite; MAX would lose it.
 */
function configuredAt(mode: StripeMode): string {
  return `(SELECT k.written_at FROM stripe_credentials k
    WHERE k.project_id = c.project_id AND k.mode = '${mode}' AND k.slot = 0 ORDER BY k.written_at DESC LIMIT 1)`;
}

/** $1 limit, $2 offset, $3 subject or project. Newest first. */
export const LIST_PROJECTS = perReach((reach) =>
  sql<ConfiguredProject>(
    `SELECT ${columns(ProjectEntity, { of: 'p', only: PROJECT })}, c.is_active AS "isActive",
       test_key.written_at AS "testKeyWrittenAt", live_key.written_at AS "liveKeyWrittenAt",
       ${configuredAt('test')} AS "testConfiguredAt", ${configuredAt('live')} AS "liveConfiguredAt"
     FROM ${readablePage(reach)} r JOIN projects p ON p.id = r.id ${CONFIGURATION}
     ORDER BY p.created_at DESC, p.id DESC`,
    `list_configured_${reach}`,
  ),
);

/** $1 projects, as in all statements below. */
export const COUNT_PROJECTS = sql<Readonly<Record<'total' | 'configured' | 'test' | 'live', number>>>(
  ({
    jsonUuids,
  }) => `SELECT COUNT(*) AS total, COUNT(c.project_id) AS configured, COUNT(test_key.project_id) AS test,
     COUNT(live_key.project_id) AS live FROM projects p ${CONFIGURATION} WHERE p.id IN (${jsonUuids('$1')})`,
  'count_configured_projects',
);

const ACTIVE = ACTIVE_STATUSES.map((status) => `'${status}'`).join(', ');

/** $2 whether test mode counts. */
export const COUNT_LEDGER = sql<Readonly<Record<'subscriptions' | 'active' | 'payments', number>>>(
  ({
    jsonUuids,
  }) => `SELECT COALESCE(SUM(CASE WHEN n.kind = 'subscription' THEN n.total END), 0) AS subscriptions,
     COALESCE(SUM(CASE WHEN n.kind = 'subscription' AND n.status IN (${ACTIVE}) THEN n.total END), 0) AS active,
     COALESCE(SUM(CASE WHEN n.kind = 'payment' THEN n.total END), 0) AS payments
   FROM ledger_counts n WHERE n.project_id IN (${jsonUuids('$1')}) AND (n.mode = 'live' OR $2)`,
  'count_in_ledger_of_projects',
);

/** $2 whether test mode counts. */
export const SUM_REVENUE = sql<Revenue & { readonly currency: string }>(
  ({ jsonUuids }) => `SELECT r.currency, SUM(r.payments) AS payments, SUM(r.gross_cents) AS "grossCents",
     SUM(r.net_cents) AS "netCents", SUM(r.out_of_band_cents) AS "outOfBandCents"
   FROM ledger_revenue r WHERE r.project_id IN (${jsonUuids('$1')}) AND (r.mode = 'live' OR $2) GROUP BY r.currency`,
  'sum_revenue_of_projects',
);
