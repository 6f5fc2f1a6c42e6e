import { Injectable } from '@nestjs/common';
import type { OwnerId } from '../../../common/ids.js';
import { Database } from '../../../database/database.js';
import {
  type ConfiguredProject,
  COUNT_LEDGER,
  COUNT_PROJECTS,
  LIST_PROJECTS,
  SUM_REVENUE,
} from './ledger-overview.statements.js';
import { mainRevenue, type PaymentStatsResponse } from './overview.responses.js';

/** Sums up all projects of a developer. */
@Injectable()
export class LedgerOverviewService {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  listProjects(owner: OwnerId): Promise<ConfiguredProject[]> {
    return this.database.query(LIST_PROJECTS, [owner]);
  }

  /** @param withTestMode whether test mode counts in addition to live mode */
  async statistics(owner: OwnerId, withTestMode: boolean): Promise<PaymentStatsResponse> {
    const [[projects], [counts], revenue] = await Promise.all([
      this.database.query(COUNT_PROJECTS, [owner]),
      this.database.query(COUNT_LEDGER, [owner, withTestMode]),
      this.database.query(SUM_REVENUE, [owner, withTestMode]),
    ]);
    const byCurrency = revenue.map(({ currency, payments, grossCents, netCents, outOfBandCents }) => ({
      currency,
      successful_payments: payments,
      total_revenue_cents: grossCents,
      net_revenue_cents: netCents,
      out_of_band_revenue_cents: outOfBandCents,
    }));
    return {
      total_projects: projects?.total ?? 0,
      projects_with_config: projects?.configured ?? 0,
      projects_with_test: projects?.test ?? 0,
      projects_with_live: projects?.live ?? 0,
      total_subscriptions: counts?.subscriptions ?? 0,
      active_subscriptions: counts?.active ?? 0,
      total_payments: counts?.payments ?? 0,
      successful_payments: revenue.reduce((sum, { payments }) => sum + payments, 0),
      ...mainRevenue(byCurrency),
      revenue_by_currency: byCurrency,
    };
  }
}
