import { Injectable } from '@nestjs/common';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { ReconcileService } from '../reconcile/reconcile.service.js';
import { silent } from './connection-changes.js';
import { type Arrivals, ConnectionChecksRepository } from './connection-checks.repository.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Events that show how often a project gets them. */
const LAST_ARRIVALS = 50;
const FEWEST_ARRIVALS = 10;
const SHORTEST_HISTORY_MS = 7 * DAY_MS;
/** Multiple of the longest pause between these events. */
const PAUSES = 3;
/** Stripe may still be delivering younger events. */
const DELIVERY_MS = HOUR_MS;
const RECONCILE_MS = 60_000;

/**
 * Finds projects that usually get events and got none for far longer than usual. A silent project is reconciled.
 * Only if Stripe has events that never arrived, an event is sent: a quiet project makes no alarm.
 */
@Injectable()
export class SilenceCheck {
  constructor(
    private readonly checks: ConnectionChecksRepository,
    private readonly reconciliation: ReconcileService,
  ) {}

  /** @throws as `ReconcileService.reconcile` */
  async check(tenant: ProjectMode, now: Date, signal?: AbortSignal): Promise<void> {
    const arrivals = await this.checks.arrivals(tenant, LAST_ARRIVALS);
    const [last] = arrivals.last;
    if (!last || !isSilent(arrivals, now)) return;
    const timeout = AbortSignal.timeout(RECONCILE_MS);
    await this.reconciliation.reconcile(tenant, {
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const missed = await this.checks.countMissed(tenant, last, new Date(now.getTime() - DELIVERY_MS));
    if (missed > 0) await this.checks.change(tenant, now, silent(last, missed, now));
  }
}

/** Whether the last event is longer ago than a day and three times the longest pause before it. */
export function isSilent({ first, last }: Arrivals, now: Date): boolean {
  const [newest] = last;
  if (!first || !newest || last.length < FEWEST_ARRIVALS) return false;
  if (newest.getTime() - first.getTime() < SHORTEST_HISTORY_MS) return false;
  const pauses = last.slice(1).map((time, index) => (last[index] ?? time).getTime() - time.getTime());
  return now.getTime() - newest.getTime() > Math.max(DAY_MS, PAUSES * Math.max(...pauses));
}
