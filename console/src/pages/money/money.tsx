import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import * as queries from '../../api/queries';
import type { Mode, Schema } from '../../api/types';
import { useAddress, useMode } from '../../shell/address';
import { ModeSwitch, useProject } from '../../shell/project';
import { text } from '../../text';
import { change, dayOf, money, number } from '../../text/format';
import { Card, CardBody, Empty, Figures, Page, Skeleton } from '../../ui/content';
import { Button, Choice, Segments } from '../../ui/controls';
import { Loaded } from '../../ui/loaded';
import { Table } from '../../ui/table';
import { MoneyLists } from './lists';
import { CHARTS, type Chart, currenciesOf, halvesOf, linesOf, type Point, sumOf, valueOf } from './series';

const Plot = lazy(async () => ({ default: (await import('./plot')).Plot }));

const RANGES = { 7: 'day', 30: 'day', 90: 'day', 365: 'week' } as const;
type Range = keyof typeof RANGES;

const DAY_MS = 86_400_000;
const dayBefore = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);

export function Money() {
  const { id } = useProject();
  const [mode, setMode] = useMode();
  const [days, setDays] = useAddress('days', '30');
  const range: Range = days in RANGES ? (Number(days) as Range) : 30;
  // Twice the range: the earlier half is for comparison.
  const query = useQuery(queries.series(id, mode, dayBefore(2 * range - 1), dayBefore(0), RANGES[range]));
  return (
    <Page
      title={text.nav.pages.money}
      about={text.money.about}
      actions={
        <>
          <Segments
            label={text.money.range}
            value={String(range)}
            options={Object.keys(RANGES).map((key) => [key, text.money.days(Number(key))] as const)}
            onChange={setDays}
          />
          <ModeSwitch mode={mode} onChange={setMode} />
        </>
      }
    >
      <Loaded
        query={query}
        skeleton={
          <Card mode={mode} title={text.money.loading}>
            <Skeleton lines={10} />
          </Card>
        }
      >
        {(series) => <Charts mode={mode} range={range} series={series} />}
      </Loaded>
      <MoneyLists mode={mode} />
    </Page>
  );
}

function Charts({
  mode,
  range,
  series,
}: {
  mode: Mode;
  range: Range;
  series: Schema<'StatsSeriesResponse'>;
}) {
  const [earlier, points] = halvesOf(series.points);
  const currencies = currenciesOf(series.points);
  const [wanted, setCurrency] = useAddress('currency', '');
  const currency = currencies.includes(wanted) ? wanted : (currencies[0] ?? 'usd');
  const [chart, setChart] = useAddress<Chart>('plot', 'revenue');
  const shown = CHARTS.includes(chart) ? chart : 'revenue';
  const [asTable, setAsTable] = useState(false);

  const compared = (pick: (point: Point) => number) => {
    const difference = change(sumOf(points, pick), sumOf(earlier, pick));
    return difference && text.money.compared(difference, range);
  };
  const sum = (pick: (point: Point) => number) =>
    currencies.length === 0 ? '–' : money(sumOf(points, pick), currency);
  const gross = valueOf('gross_revenue_cents', currency);
  const net = valueOf('net_revenue_cents', currency);
  const refunds = valueOf('refunded_cents', currency);
  const disputes = valueOf('disputes', currency);
  const active = points.at(-1)?.active_subscriptions ?? 0;
  const before = earlier.at(-1)?.active_subscriptions ?? 0;
  const { lines, format } = linesOf(shown, currency);
  return (
    <>
      <Figures
        figures={[
          { name: text.money.gross, value: sum(gross), note: compared(gross) },
          { name: text.money.net, value: sum(net), note: compared(net) },
          {
            name: text.money.active,
            value: number(active),
            note: active === before ? text.money.unchanged : text.money.difference(active - before),
          },
          {
            name: text.money.refunds,
            value: sum(refunds),
            note: compared(refunds),
          },
        ]}
      />
      <Card
        mode={mode}
        title={text.money.charts[shown]}
        aside={
          <div className="row">
            {shown === 'disputes' && (
              <span className="sub">{text.money.disputesOpened(sumOf(points, disputes))}</span>
            )}
            {currencies.length > 1 && shown !== 'active' && (
              <Choice
                label={text.money.currency}
                hidesLabel
                value={currency}
                options={currencies.map((key) => [key, key.toUpperCase()] as const)}
                onChange={setCurrency}
              />
            )}
            <Segments
              label={text.money.plot}
              value={shown}
              options={CHARTS.map((key) => [key, text.money.charts[key]] as const)}
              onChange={setChart}
            />
            <Button small kind="quiet" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
              {asTable ? text.money.asPlot : text.money.asTable}
            </Button>
          </div>
        }
      >
        {asTable ? (
          <Table
            label={text.money.charts[shown]}
            columns={[
              { name: text.money.day, cell: ({ start }) => dayOf(start) },
              ...lines.map(({ name, pick }) => ({
                name,
                isNumber: true,
                cell: (point: Point) => format(pick(point)),
              })),
              ...(shown === 'disputes'
                ? [
                    {
                      name: text.money.number,
                      isNumber: true,
                      cell: (point: Point) => number(disputes(point)),
                    },
                  ]
                : []),
            ]}
            items={points}
            keyOf={({ start }) => start}
          />
        ) : points.some((point) => lines.some(({ pick }) => pick(point) !== 0)) ? (
          <Suspense fallback={<Skeleton lines={7} />}>
            <Plot
              label={text.money.plotLabel(
                text.money.charts[shown],
                shown === 'active' ? '' : currency.toUpperCase(),
              )}
              points={points}
              lines={lines}
              format={format}
            />
          </Suspense>
        ) : (
          <CardBody>
            <Empty title={text.money.nothing(text.mode.of[mode])}>{text.money.nothingAbout}</Empty>
          </CardBody>
        )}
      </Card>
    </>
  );
}
