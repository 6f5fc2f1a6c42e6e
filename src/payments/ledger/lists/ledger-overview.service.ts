import { Injectable } from '@nestjs/common';
import type { Reader } from '../../../auth/caller.js';
import { Database } from '../../../database/database.js';
import { ReadableProjects, readingOf } from '../../../projects/members/readable-projects.js';
import type { Page } from './ledger-lists.statements.js';
import type { Revenue } from '../store/statistics.entities.js';
import {
  type ConfiguredProject,
  COUNT_LEDGER,
  COUNT_PROJECTS,
  LIST_PROJECTS,
  SUM_REVENUE,
} from './ledger-overview.statements.js';
import { mainRevenue, type PaymentStatsResponse } from './overview.responses.js';

type Sums = Record<
  'total' | 'configured' | 'test' | 'live' | 'subscriptions' | 'active' | 'payments',
  number
>;

/** Sums up all projects that the caller may read. */
@Injectable()
export class LedgerOverviewService {
  constructor(
    private readonly database: Database,
    private readonly readable: ReadableProjects,
  ) {}

  /** Newest first. */
  async listProjects(
    reader: Reader,
    { limit, offset }: Page,
  ): Promise<{ projects: ConfiguredProject[]; total: number }> {
    const { reach, key } = readingOf(reader);
    const [projects, total] = await Promise.all([
      this.database.query(LIST_PROJECTS[reach], [limit, offset, ...key]),
      this.readable.count(reader),
    ]);
    return { projects, total };
  }

  /** @param withTestMode whether test mode counts in addition to live mode */
  async statistics(reader: Reader, withTestMode: boolean): Promise<PaymentStatsResponse> {
    const sums: Sums = {
      total: 0,
      configured: 0,
      test: 0,
      live: 0,
      subscriptions: 0,
      active: 0,
      payments: 0,
    };
    const revenues = new Map<string, Revenue>();
    for await (const projects of this.readable.chunksOf(reader)) {
      const ids = JSON.stringify(projects);
      const [[configured], [counts], revenue] = await Promise.all([
        this.database.query(COUNT_PROJECTS, [ids]),
        this.database.query(COUNT_LEDGER, [ids, withTestMode]),
        this.database.query(SUM_REVENUE, [ids, withTestMode]),
      ]);
      for (const [name, count] of Object.entries({ ...configured, ...counts }))
        sums[name as keyof Sums] += count;
      for (const { currency, ...sum } of revenue) revenues.set(currency, add(revenues.get(currency), sum));
    }
    // The currency with most payments first.
    const byCurrency = [...revenues]
      .filter(([, { payments }]) => payments > 0)
      .sort(([a, one], [b, other]) => other.payments - one.payments || (a < b ? -1 : 1))
      .map(([currency, { payments, grossCents, netCents, outOfBandCents }]) => ({
        currency,
        successful_payments: payments,
        total_revenue_cents: grossCents,
        net_revenue_cents: netCents,
        out_of_band_revenue_cents: outOfBandCents,
      }));
    return {
      total_projects: sums.total,
      projects_with_config: sums.configured,
      projects_with_test: sums.test,
      projects_with_live: sums.live,
      total_subscriptions: sums.subscriptions,
      active_subscriptions: sums.active,
      total_payments: sums.payments,
      successful_payments: byCurrency.reduce((sum, { successful_payments: payments }) => sum + payments, 0),
      ...mainRevenue(byCurrency),
      revenue_by_currency: byCurrency,
    };
  }
}

function add(sum: Revenue | undefined, more: Revenue): Revenue {
  if (!sum) return more;
  return {
    payments: sum.payments + more.payments,
    grossCents: sum.grossCents + more.grossCents,
    netCents: sum.netCents + more.netCents,
    outOfBandCents: sum.outOfBandCents + more.outOfBandCents,
  };
}
