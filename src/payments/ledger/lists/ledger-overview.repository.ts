import { Injectable } from '@nestjs/common';
import type { OwnerId } from '../../../common/ids.js';
import { Database, sql } from '../../../database/database.js';
import { ACTIVE_STATUSES } from './list.queries.js';
import { mainRevenue, type PaymentStatsResponse } from './overview.responses.js';

/** A developer's projects, with what is configured of each. */
const PROJECTS = `SELECT p.id, p.name, p.description, p.created_at, c.is_active,
    MAX(CASE WHEN k.mode = 'test' AND k.kind = 'secret_key' THEN 1 ELSE 0 END) AS has_test,
    MAX(CASE WHEN k.mode = 'live' AND k.kind = 'secret_key' THEN 1 ELSE 0 END) AS has_live,
    MAX(CASE WHEN k.mode = 'test' THEN k.written_at END) AS test_configured_at,
    MAX(CASE WHEN k.mode = 'live' THEN k.written_at END) AS live_configured_at
  FROM projects p
  LEFT JOIN stripe_configs c ON c.project_id = p.id AND c.is_active
  LEFT JOIN stripe_credentials k ON k.project_id = c.project_id AND k.slot = 0
  WHERE p.owner_id = $1 AND p.deleted_at IS NULL
  GROUP BY p.id, p.name, p.description, p.created_at, c.is_active`;

export interface ConfiguredProjectRow {
  id: string;
  name: string;
  description: string | null;
  created_at: Date | string;
  /** `null` without a configuration in use. */
  is_active: boolean | number | null;
  has_test: number;
  has_live: number;
  test_configured_at: Date | string | null;
  live_configured_at: Date | string | null;
}

/** $1 owner. */
const LIST_PROJECTS = sql<ConfiguredProjectRow>(
  `${PROJECTS} ORDER BY p.created_at DESC, p.id DESC`,
  'list_configured_projects',
);

type Sum = number | string | null;

/** $1 owner. */
const COUNT_PROJECTS = sql<{ total: Sum; configured: Sum; test: Sum; live: Sum }>(
  `SELECT COUNT(*) AS total, COUNT(is_active) AS configured, SUM(has_test) AS test, SUM(has_live) AS live FROM (${PROJECTS}) AS listed`,
  'count_configured_projects',
);

const ACTIVE = ACTIVE_STATUSES.map((status) => `'${status}'`).join(', ');

/** $1 owner, $2 whether test mode counts. */
const COUNT_LEDGER = sql<{ subscriptions: Sum; active: Sum; payments: Sum }>(
  `SELECT SUM(CASE WHEN n.kind = 'subscription' THEN n.total END) AS subscriptions,
     SUM(CASE WHEN n.kind = 'subscription' AND n.status IN (${ACTIVE}) THEN n.total END) AS active,
     SUM(CASE WHEN n.kind = 'payment' THEN n.total END) AS payments
   FROM projects p JOIN ledger_counts n ON n.project_id = p.id
   WHERE p.owner_id = $1 AND p.deleted_at IS NULL AND (n.mode = 'live' OR $2)`,
  'count_ledger_of_owner',
);

/** $1 owner, $2 whether test mode counts. The most used currency first. */
const SUM_REVENUE = sql<{ currency: string; payments: Sum; gross: Sum; net: Sum; out_of_band: Sum }>(
  `SELECT r.currency, SUM(r.payments) AS payments, SUM(r.gross_cents) AS gross, SUM(r.net_cents) AS net,
     SUM(r.out_of_band_cents) AS out_of_band
   FROM projects p JOIN ledger_revenue r ON r.project_id = p.id
   WHERE p.owner_id = $1 AND p.deleted_at IS NULL AND (r.mode = 'live' OR $2)
   GROUP BY r.currency HAVING SUM(r.payments) > 0 ORDER BY 2 DESC, 1`,
  'sum_revenue_of_owner',
);

export interface Revenue {
  readonly currency: string;
  readonly payments: number;
  readonly grossCents: number;
  readonly netCents: number;
  /** The part of the gross sum that was paid outside of Stripe. */
  readonly outOfBandCents: number;
}

/** What a developer has in all projects together. */
@Injectable()
export class LedgerOverviewRepository {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  listProjects(owner: OwnerId): Promise<ConfiguredProjectRow[]> {
    return this.database.query(LIST_PROJECTS, [owner]);
  }

  async countProjects(owner: OwnerId): Promise<Record<'total' | 'configured' | 'test' | 'live', number>> {
    const [row] = await this.database.query(COUNT_PROJECTS, [owner]);
    return {
      total: Number(row?.total),
      configured: Number(row?.configured),
      test: Number(row?.test),
      live: Number(row?.live),
    };
  }

  async countLedger(
    owner: OwnerId,
    withTestMode: boolean,
  ): Promise<Record<'subscriptions' | 'active' | 'payments', number>> {
    const [row] = await this.database.query(COUNT_LEDGER, [owner, withTestMode]);
    return {
      subscriptions: Number(row?.subscriptions),
      active: Number(row?.active),
      payments: Number(row?.payments),
    };
  }

  /** The most used currency first. */
  async revenue(owner: OwnerId, withTestMode: boolean): Promise<Revenue[]> {
    const rows = await this.database.query(SUM_REVENUE, [owner, withTestMode]);
    return rows.map(({ currency, payments, gross, net, out_of_band: outOfBand }) => ({
      currency,
      payments: Number(payments),
      grossCents: Number(gross),
      netCents: Number(net),
      outOfBandCents: Number(outOfBand),
    }));
  }
}

@Injectable()
export class StatsService {
  constructor(private readonly overview: LedgerOverviewRepository) {}

  /** @param withTestMode whether test mode counts; else live mode alone */
  async of(developer: OwnerId, withTestMode: boolean): Promise<PaymentStatsResponse> {
    const [projects, counts, revenue] = await Promise.all([
      this.overview.countProjects(developer),
      this.overview.countLedger(developer, withTestMode),
      this.overview.revenue(developer, withTestMode),
    ]);
    const byCurrency = revenue.map(({ currency, payments, grossCents, netCents, outOfBandCents }) => ({
      currency,
      successful_payments: payments,
      total_revenue_cents: grossCents,
      net_revenue_cents: netCents,
      out_of_band_revenue_cents: outOfBandCents,
    }));
    return {
      total_projects: projects.total,
      projects_with_config: projects.configured,
      projects_with_test: projects.test,
      projects_with_live: projects.live,
      total_subscriptions: counts.subscriptions,
      active_subscriptions: counts.active,
      total_payments: counts.payments,
      successful_payments: revenue.reduce((sum, { payments }) => sum + payments, 0),
      ...mainRevenue(byCurrency),
      revenue_by_currency: byCurrency,
    };
  }
}
