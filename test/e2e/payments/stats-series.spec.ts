import { randomUUID } from 'node:crypto';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { LedgerHarness } from '../../harness/ledger/ledger-harness.js';
import { STRANGER } from '../../harness/test-app.js';

interface Point {
  start: string;
  active_subscriptions: number;
  revenue: { currency: string }[];
}

const at = (time: string) => Date.parse(time) / 1_000;

describe('statistics over time', () => {
  let app: AppWithStripe;
  let harness: LedgerHarness;

  const apply = (type: string, time: string, object: object) =>
    harness.apply({
      id: `evt_${randomUUID()}`,
      object: 'event',
      type,
      created: at(time),
      api_version: '2025-09-30.clover',
      livemode: false,
      pending_webhooks: 0,
      request: null,
      data: { object },
    } as never);
  const pay = (id: string, time: string, amount: number, currency: string) =>
    apply('payment_intent.succeeded', time, {
      ...{ id, object: 'payment_intent', status: 'succeeded', amount, amount_received: amount, currency },
      ...{ created: at(time), metadata: {} },
    });
  const refund = (
    id: string,
    paid: string,
    time: string,
    amount: number,
    refunded: number,
    currency: string,
  ) =>
    apply('charge.refunded', time, {
      ...{ id: `ch_${id}`, object: 'charge', payment_intent: id, captured: true, currency, metadata: {} },
      ...{ amount, amount_captured: amount, amount_refunded: refunded, created: at(paid) },
    });
  const subscription = (type: string, time: string, fields: object) =>
    apply(`customer.subscription.${type}`, time, {
      ...{ id: 'sub_1', object: 'subscription', status: 'active', customer: 'cus_1', metadata: {} },
      ...{ created: at('2026-03-03T12:00:00Z') },
      items: {
        object: 'list',
        data: [{ id: 'si_1', quantity: 1, price: { id: 'price_1', nickname: 'Pro' } }],
      },
      ...fields,
    });
  const read = async (query: string, token?: string) =>
    (await app.send('get', `/api/v1/payments/stats/series?${query}`, token).expect(200)).body as {
      points: Point[];
    };
  const of = (
    currency: string,
    decimals: number,
    [payments, gross, refunded, net, disputes = 0, disputed = 0]: number[],
  ) => ({
    currency,
    decimals,
    successful_payments: payments,
    gross_revenue_cents: gross,
    refunded_cents: refunded,
    disputes,
    disputed_cents: disputed,
    net_revenue_cents: net,
  });

  beforeAll(async () => {
    app = await startAppWithStripe();
    harness = await LedgerHarness.open(app);
    await pay('pi_jpy', '2026-03-02T00:00:00Z', 500, 'jpy');
    await pay('pi_kwd', '2026-03-02T23:59:59Z', 5_120, 'kwd');
    await pay('pi_isk', '2026-03-04T10:00:00Z', 70_000, 'isk');
    await pay('pi_usd', '2026-03-04T10:00:00Z', 2_000, 'usd');
    await refund('pi_usd', '2026-03-04T10:00:00Z', '2026-04-10T10:00:00Z', 2_000, 500, 'usd');
    // Says the same again: the refund stays on its day.
    await refund('pi_usd', '2026-03-04T10:00:00Z', '2026-05-10T10:00:00Z', 2_000, 500, 'usd');
    // The second refund is reported before the first one.
    await pay('pi_eur', '2026-02-02T10:00:00Z', 2_000, 'eur');
    await refund('pi_eur', '2026-02-02T10:00:00Z', '2026-02-06T10:00:00Z', 2_000, 800, 'eur');
    await refund('pi_eur', '2026-02-02T10:00:00Z', '2026-02-04T10:00:00Z', 2_000, 500, 'eur');
    await refund('pi_jpy', '2026-03-02T00:00:00Z', '2026-03-04T10:00:00Z', 500, 500, 'jpy');
    await apply('charge.dispute.closed', '2026-04-20T10:00:00Z', {
      ...{ id: 'dp_1', object: 'dispute', charge: 'ch_pi_kwd', payment_intent: 'pi_kwd', status: 'lost' },
      ...{ amount: 5_120, currency: 'kwd', created: at('2026-03-05T10:00:00Z') },
    });
    await subscription('created', '2026-03-03T12:00:00Z', {});
    await subscription('updated', '2026-03-20T12:00:00Z', { status: 'past_due' });
    await subscription('updated', '2026-03-22T12:00:00Z', {});
    await subscription('deleted', '2026-04-03T12:00:00Z', {
      ...{ status: 'canceled', ended_at: at('2026-04-03T12:00:00Z') },
    });
  });
  afterAll(() => app.close());

  it('count by day and currency, in the smallest unit of Stripe', async () => {
    const { points, ...range } = await read('from=2026-03-02&to=2026-03-05');
    expect(range).toEqual({ from: '2026-03-02', to: '2026-03-05', interval: 'day', mode: null });
    expect(points.map(({ start, active_subscriptions: active }) => [start, active])).toEqual([
      ['2026-03-02', 0],
      ['2026-03-03', 1],
      ['2026-03-04', 1],
      ['2026-03-05', 1],
    ]);
    const nothing = [0, 0, 0, 0];
    expect(points.map(({ revenue }) => revenue)).toEqual([
      [
        of('isk', 2, nothing),
        of('jpy', 0, [1, 500, 0, 500]),
        of('kwd', 3, [1, 5_120, 0, 5_120]),
        of('usd', 2, nothing),
      ],
      [of('isk', 2, nothing), of('jpy', 0, nothing), of('kwd', 3, nothing), of('usd', 2, nothing)],
      [
        of('isk', 2, [1, 70_000, 0, 70_000]),
        of('jpy', 0, [0, 0, 500, -500]),
        of('kwd', 3, nothing),
        of('usd', 2, [1, 2_000, 0, 2_000]),
      ],
      [
        of('isk', 2, nothing),
        of('jpy', 0, nothing),
        of('kwd', 3, [0, 0, 0, -5_120, 1, 5_120]),
        of('usd', 2, nothing),
      ],
    ]);
  });

  it('count by week from Monday, and by month', async () => {
    const weeks = await read('from=2026-03-04&to=2026-03-24&interval=week');
    expect(weeks.points.map(({ start, active_subscriptions: active }) => [start, active])).toEqual([
      ['2026-03-02', 1],
      ['2026-03-09', 1],
      ['2026-03-16', 1],
      ['2026-03-23', 1],
    ]);
    expect(weeks.points[0]?.revenue).toContainEqual(of('jpy', 0, [1, 500, 500, 0]));
    const months = await read('from=2026-03-31&to=2026-05-01&interval=month&mode=test');
    expect(months.points.map(({ start, active_subscriptions: active }) => [start, active])).toEqual([
      ['2026-03-01', 1],
      ['2026-04-01', 0],
      ['2026-05-01', 0],
    ]);
    const usd = months.points.map(({ revenue }) => revenue.find(({ currency }) => currency === 'usd'));
    expect(usd).toEqual([
      of('usd', 2, [1, 2_000, 0, 2_000]),
      of('usd', 2, [0, 0, 500, -500]),
      of('usd', 2, [0, 0, 0, 0]),
    ]);
  });

  it('show each refund of a payment on its own day', async () => {
    const { points } = await read('from=2026-02-02&to=2026-02-06');
    expect(points.map(({ revenue }) => revenue)).toEqual(
      [
        [1, 2_000, 0, 2_000],
        [0, 0, 0, 0],
        [0, 0, 500, -500],
        [0, 0, 0, 0],
        [0, 0, 300, -300],
      ].map((amounts) => [of('eur', 2, amounts)]),
    );
  });

  it('show disputes at their opening, whatever became of them', async () => {
    const dispute = (id: string, type: string, time: string, status: string) =>
      apply(`charge.dispute.${type}`, time, {
        ...{ id, object: 'dispute', charge: 'ch_pi_isk', payment_intent: 'pi_isk', status, amount: 30_000 },
        ...{ currency: 'isk', created: at('2026-06-02T10:00:00Z') },
      });
    await dispute('dp_won', 'created', '2026-06-02T10:00:00Z', 'needs_response');
    await dispute('dp_won', 'closed', '2026-06-20T10:00:00Z', 'won');
    await dispute('dp_open', 'created', '2026-06-02T11:00:00Z', 'warning_needs_response');
    const { points } = await read('from=2026-06-01&to=2026-06-30&interval=month');
    expect(points[0]?.revenue).toEqual([of('isk', 2, [0, 0, 0, 0, 2, 60_000])]);
    expect(await harness.series()).toEqual(await harness.recountSeries());
  });

  it('show when a subscription was behind with payment', async () => {
    const { points } = await read('from=2026-03-19&to=2026-03-22');
    expect(points.map((point) => point.active_subscriptions)).toEqual([1, 0, 0, 1]);
  });

  it('begin with the subscriptions that were active before', async () => {
    const { points } = await read('from=2026-03-10&to=2026-03-10');
    expect(points).toEqual([{ start: '2026-03-10', active_subscriptions: 1, revenue: [] }]);
  });

  it('end before a time, and by default today', async () => {
    const starts = async (query: string) => (await read(query)).points.map(({ start }) => start);
    expect(await starts('from=2026-03-02T13:00:00Z&to=2026-03-04T00:00:00Z')).toEqual([
      '2026-03-02',
      '2026-03-03',
    ]);
    expect(await starts('from=2026-03-02&to=2026-03-03T02:00:00%2B01:00')).toEqual([
      '2026-03-02',
      '2026-03-03',
    ]);
    const days = await starts('');
    expect(days).toHaveLength(30);
    expect(days.at(-1)).toBe(new Date().toISOString().slice(0, 10));
  });

  it('cover one project or all readable ones, in one mode', async () => {
    const range = 'from=2026-03-02&to=2026-03-02';
    const ofProject = `/api/v1/payments/stripe/projects/${harness.projectId}/stats/series?${range}`;
    expect((await app.send('get', ofProject).expect(200)).body).toEqual(await read(range));
    await app.send('get', ofProject, STRANGER).expect(403);
    const [point] = (await read(`${range}&project_id=${harness.projectId}`)).points;
    expect(point?.revenue).toHaveLength(2);
    for (const query of [`${range}&project_id=${randomUUID()}`, `${range}&mode=live`])
      expect((await read(query)).points).toEqual([
        { start: '2026-03-02', active_subscriptions: 0, revenue: [] },
      ]);
    expect((await read(`${range}&project_id=${harness.projectId}`, STRANGER)).points[0]?.revenue).toEqual([]);
  });

  it('are refused if the points and currencies are too many for one answer', async () => {
    const range = 'from=2016-12-01&to=2026-11-30';
    const { body } = await app.send('get', `/api/v1/payments/stats/series?${range}`).expect(422);
    expect((body as { detail: { msg: string }[] }).detail[0]?.msg).toMatch(
      /^gives 3652 points in \d currencies, and an answer has at most 10000 amounts/,
    );
    expect((await read(`${range}&interval=week`)).points).toHaveLength(523);
  });

  it('cover the last intervals of four digits', async () => {
    for (const interval of ['day', 'week', 'month'])
      expect((await read(`from=9998-12-31&to=9998-12-31&interval=${interval}`)).points).toHaveLength(1);
  });

  it.each([
    ['from=2026-03-05&to=2026-03-02', 'query.from value_error'],
    ['from=2010-01-01&to=2026-03-02', 'query.from value_error'],
    ['from=2026-02-30', 'query.from datetime_parsing'],
    ['to=soon', 'query.to datetime_parsing'],
    ['to=9999-12-31', 'query.to value_error'],
    ['to=9999-12-31T23:59:59-14:00&interval=month', 'query.to value_error'],
    ['from=0001-01-01&to=0001-01-02T00:00:00Z', 'query.from value_error query.to value_error'],
    ['interval=year', 'query.interval enum'],
    ['mode=both', 'query.mode enum'],
  ])('refuse %s', async (query, problem) => {
    const { body } = await app.send('get', `/api/v1/payments/stats/series?${query}`).expect(422);
    const { detail } = body as { detail: { loc: string[]; type: string }[] };
    expect(detail.map(({ loc, type }) => `${loc.join('.')} ${type}`).join(' ')).toBe(problem);
  });
});
