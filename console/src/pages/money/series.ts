import type { Schema } from '../../api/types';
import { text } from '../../text';
import { money, number } from '../../text/format';

export type Point = Schema<'StatsSeriesPoint'>;
type Amount = 'gross_revenue_cents' | 'net_revenue_cents' | 'refunded_cents' | 'disputed_cents' | 'disputes';

export interface Line {
  name: string;
  pick: (point: Point) => number;
  /** The token with the line's colour. */
  color: '--accent' | '--info' | '--warn';
  look: 'area' | 'dashed';
}

export const CHARTS = ['revenue', 'active', 'refunds', 'disputes'] as const;
export type Chart = (typeof CHARTS)[number];

/** Amounts of different currencies are never added up. */
export const valueOf =
  (amount: Amount, currency: string) =>
  ({ revenue }: Point): number =>
    revenue.find((each) => each.currency === currency)?.[amount] ?? 0;

export const sumOf = (points: readonly Point[], pick: (point: Point) => number): number =>
  points.reduce((sum, point) => sum + pick(point), 0);

/** The earlier and the later half, of equal length. */
export function halvesOf(points: readonly Point[]): [Point[], Point[]] {
  const middle = Math.ceil(points.length / 2);
  return [points.slice(0, middle), points.slice(middle)];
}

/** The one with the most payments first. */
export function currenciesOf(points: readonly Point[]): string[] {
  const counts = new Map<string, number>();
  for (const { revenue } of points)
    for (const { currency, successful_payments } of revenue)
      counts.set(currency, (counts.get(currency) ?? 0) + successful_payments);
  return [...counts].sort(([, one], [, other]) => other - one).map(([currency]) => currency);
}

export function linesOf(
  chart: Chart,
  currency: string,
): { lines: Line[]; format: (value: number, compact?: boolean) => string } {
  const format = (value: number, compact = false) => money(value, currency, { compact });
  if (chart === 'active')
    return {
      lines: [
        {
          name: text.money.active,
          pick: ({ active_subscriptions: count }) => count,
          color: '--accent',
          look: 'area',
        },
      ],
      format: number,
    };
  if (chart === 'refunds' || chart === 'disputes')
    return {
      lines: [
        {
          name: text.money.charts[chart],
          pick: valueOf(chart === 'refunds' ? 'refunded_cents' : 'disputed_cents', currency),
          color: '--warn',
          look: 'area',
        },
      ],
      format,
    };
  return {
    lines: [
      {
        name: text.money.grossLine,
        pick: valueOf('gross_revenue_cents', currency),
        color: '--accent',
        look: 'area',
      },
      {
        name: text.money.netLine,
        pick: valueOf('net_revenue_cents', currency),
        color: '--info',
        look: 'dashed',
      },
    ],
    format,
  };
}
