import { Injectable } from '@nestjs/common';
import type { OwnerId } from '../../../common/ids.js';
import { mainRevenue, type PaymentStatsResponse } from './dto/payment-stats.response.js';
import { LedgerOverviewRepository } from './ledger-overview.repository.js';

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
