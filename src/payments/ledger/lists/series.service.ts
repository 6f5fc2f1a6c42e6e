import { Injectable } from '@nestjs/common';
import { ValidationFailed } from '../../../common/errors.js';
import { DAY_MS, dayOf } from '../../../common/time.js';
import { Database } from '../../../database/database.js';
import { ReadableProjects, type Scope } from '../../../projects/members/readable-projects.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { addRevenueOfDay, type DayRevenue, NO_DAY_REVENUE } from '../store/statistics.entities.js';
import type { SeriesInterval } from './series.dto.js';
import { ACTIVE_BY_DAY, REVENUE_BY_DAY } from './series.statements.js';

export interface SeriesRange {
  /** Both inclusive, as in `2026-11-21`. */
  readonly firstDay: string;
  readonly lastDay: string;
  readonly interval: SeriesInterval;
  /** Absent for both. */
  readonly mode?: StripeMode;
}

/** One interval of the series. */
export interface SeriesPoint {
  /** First day of the interval. */
  readonly start: string;
  /** At the end of the interval. */
  readonly activeSubscriptions: number;
  /** By currency. All points have the same currencies. */
  readonly revenue: ReadonlyMap<string, DayRevenue>;
}

/** Amounts of one answer, which is written in one piece: more would keep other requests waiting. */
const MAX_AMOUNTS = 10_000;

/** Reads revenue and active subscriptions over time, from sums that each write of the ledger keeps by day. */
@Injectable()
export class SeriesService {
  constructor(
    private readonly database: Database,
    private readonly readable: ReadableProjects,
  ) {}

  /**
   * Widens the range to whole intervals, the first of which has no gap.
   * @throws ValidationFailed if the points and currencies are too many for one answer
   */
  async read(scope: Scope, { firstDay, lastDay, interval, mode }: SeriesRange): Promise<SeriesPoint[]> {
    const starts = startsOf(firstDay, lastDay, interval);
    const [first = firstDay] = starts;
    const values = [mode ?? null, first, lastDayOf(lastDay, interval)];
    const sums = new Map<string, DayRevenue>();
    const currencies = new Set<string>();
    const changeAt = new Map<string, number>();
    for await (const projects of this.readable.chunksIn(scope)) {
      const parameters = [JSON.stringify(projects), ...values];
      const [revenue, changes] = await Promise.all([
        this.database.query(REVENUE_BY_DAY, parameters),
        this.database.query(ACTIVE_BY_DAY, parameters),
      ]);
      for (const { day, currency, ...amounts } of revenue) {
        const key = `${startOf(day, interval)} ${currency}`;
        sums.set(key, addRevenueOfDay(sums.get(key) ?? NO_DAY_REVENUE, amounts));
        currencies.add(currency);
      }
      for (const { day, change } of changes) {
        const start = day === '' ? '' : startOf(day, interval);
        changeAt.set(start, (changeAt.get(start) ?? 0) + change);
      }
    }
    if (starts.length * currencies.size > MAX_AMOUNTS) throw tooManyAmounts(starts.length, currencies.size);
    let activeSubscriptions = changeAt.get('') ?? 0;
    return starts.map((start) => {
      activeSubscriptions += changeAt.get(start) ?? 0;
      const ofStart = [...currencies]
        .sort()
        .map((currency) => [currency, sums.get(`${start} ${currency}`) ?? NO_DAY_REVENUE] as const);
      return { start, activeSubscriptions, revenue: new Map(ofStart) };
    });
  }
}

function tooManyAmounts(points: number, currencies: number): ValidationFailed {
  const msg = `gives ${points} points in ${currencies} currencies, and an answer has at most ${MAX_AMOUNTS} amounts: choose a longer interval or fewer days`;
  return new ValidationFailed([{ loc: ['query', 'from'], msg, type: 'value_error' }]);
}

/** First day of the day's interval. Weeks begin on Monday (ISO 8601). */
function startOf(day: string, interval: SeriesInterval): string {
  if (interval === 'month') return `${day.slice(0, 7)}-01`;
  if (interval === 'day') return day;
  const date = new Date(day);
  return daysLater(day, -((date.getUTCDay() + 6) % 7));
}

function nextStart(start: string, interval: SeriesInterval): string {
  return interval === 'month'
    ? startOf(daysLater(start, 31), interval)
    : daysLater(start, interval === 'day' ? 1 : 7);
}

function lastDayOf(day: string, interval: SeriesInterval): string {
  return daysLater(nextStart(startOf(day, interval), interval), -1);
}

/** First days of all intervals from one day to another. */
function startsOf(firstDay: string, lastDay: string, interval: SeriesInterval): string[] {
  const starts: string[] = [];
  for (let start = startOf(firstDay, interval); start <= lastDay; start = nextStart(start, interval))
    starts.push(start);
  return starts;
}

export function daysLater(day: string, days: number): string {
  return dayOf(new Date(Date.parse(day) + days * DAY_MS));
}
