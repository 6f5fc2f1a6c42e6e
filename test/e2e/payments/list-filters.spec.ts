import { randomUUID } from 'node:crypto';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { execute } from '../../harness/database/rows.js';
import { LedgerHarness } from '../../harness/ledger/ledger-harness.js';
import { STRANGER } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';

type Row = Record<string, string | null>;
interface List {
  payments: Row[];
  subscriptions: Row[];
  total: number;
  total_is_exact: boolean;
}

const USER = randomUUID();
const START = Date.parse('2026-03-01T00:00:00Z') / 1_000;
const time = (seconds: number) => new Date(seconds * 1_000).toISOString();

describe('filters of lists', () => {
  let app: AppWithStripe;
  let harness: LedgerHarness;
  let other: LedgerHarness;
  let subscriptionRow: string;

  /** Applies an event about an object that Stripe made at a second. */
  const apply = (to: LedgerHarness, type: string, created: number, object: object) =>
    to.apply({
      id: `evt_${randomUUID()}`,
      object: 'event',
      type,
      created: START + created,
      api_version: '2025-09-30.clover',
      livemode: false,
      pending_webhooks: 0,
      request: null,
      data: { object },
    } as never);
  const intent = (id: string, created: number, fields: object = {}) => ({
    id,
    object: 'payment_intent',
    status: 'succeeded',
    amount: 500,
    amount_received: 500,
    currency: 'usd',
    created: START + created,
    metadata: {},
    ...fields,
  });
  const subscription = (id: string, created: number, fields: object = {}) => ({
    id,
    object: 'subscription',
    status: 'active',
    customer: 'cus_1',
    created: START + created,
    metadata: {},
    items: { object: 'list', data: [{ id: 'si_1', quantity: 1, price: { id: 'price_1', nickname: 'Pro' } }] },
    ...fields,
  });
  const list = async (path: string, token?: string) =>
    (await app.send('get', `/api/v1/payments/${path}`, token).expect(200)).body as List;
  const payments = async (query: string, token?: string) =>
    (await list(`transactions?${query}`, token)).payments.map((row) => row['payment_intent_id']);
  const subscriptions = async (query: string, token?: string) =>
    (await list(`subscriptions?${query}`, token)).subscriptions.map((row) => row['subscription_id']);

  beforeAll(async () => {
    app = await startAppWithStripe();
    harness = await LedgerHarness.open(app);
    other = await LedgerHarness.open(app);
    await apply(harness, 'customer.subscription.created', 1, subscription('sub_1', 1));
    await apply(harness, 'customer.subscription.created', 2, subscription('sub_2', 2, { customer: 'cus_2' }));
    const metadata = { user_id: USER };
    for (const [to, id, at, fields] of [
      [harness, 'pi_1', 10, { customer: 'cus_1', metadata }],
      [harness, 'pi_2', 20, { customer: 'cus_2' }],
      [harness, 'pi_3', 30, { customer: 'cus_1', status: 'processing' }],
      [other, 'pi_4', 40, { customer: 'cus_1', metadata }],
    ] as const)
      await apply(
        to,
        `payment_intent.${'status' in fields ? fields.status : 'succeeded'}`,
        at,
        intent(id, at, fields),
      );
    const rows = await harness.subscriptions();
    subscriptionRow = String(rows[0]?.['id']);
    await execute(
      app.database,
      `UPDATE stripe_payments SET subscription_id = '${subscriptionRow}' WHERE payment_intent_id = 'pi_2'`,
    );
    await execute(
      app.database,
      `UPDATE stripe_payments SET subscription_id = '${randomUUID()}' WHERE payment_intent_id = 'pi_3'`,
    );
  });
  afterAll(() => app.close());

  it('select by the values that rows show', async () => {
    const { payments: all } = await list('transactions');
    expect(all.map((row) => row['customer_id'])).toEqual(['cus_1', 'cus_1', 'cus_2', 'cus_1']);
    expect(await payments('customer_id=cus_1')).toEqual(['pi_4', 'pi_3', 'pi_1']);
    expect(await payments(`customer_id=cus_1&project_id=${harness.projectId}`)).toEqual(['pi_3', 'pi_1']);
    // The user of a customer is that of all its payments.
    expect(await payments(`user_id=${USER.toUpperCase()}`)).toEqual(['pi_4', 'pi_3', 'pi_1']);
    expect(await payments(`user_id=${USER}&customer_id=cus_2`)).toEqual([]);
    expect(await payments('customer_id=cus_1&status=succeeded&test_mode=true')).toEqual(['pi_4', 'pi_1']);
    expect(await payments(`subscription_id=${subscriptionRow}`)).toEqual(['pi_2']);
    const ofProject = `stripe/projects/${harness.projectId}`;
    expect(await payments('payment_intent_id=pi_2')).toEqual(['pi_2']);
    expect(await payments(`payment_intent_id=pi_2&subscription_id=${subscriptionRow}`)).toEqual(['pi_2']);
    expect(await payments(`payment_intent_id=pi_1&subscription_id=${subscriptionRow}`)).toEqual([]);
    expect(await list(`${ofProject}/payments?payment_intent_id=pi_2`)).toMatchObject({
      total: 1,
      payments: [{ payment_intent_id: 'pi_2' }],
    });
    expect(await list(`${ofProject}/payments?payment_intent_id=pi_0`)).toMatchObject({ total: 0 });
    expect((await list(`${ofProject}/payments?subscription_id=${subscriptionRow}`)).payments).toHaveLength(1);
    expect((await list(`${ofProject}/payments?status=processing&customer_id=cus_1`)).payments).toHaveLength(
      1,
    );
    expect(await subscriptions('customer_id=cus_2')).toEqual(['sub_2']);
    expect(await subscriptions('subscription_id=sub_1')).toEqual(['sub_1']);
    expect(await list(`${ofProject}/subscriptions?subscription_id=sub_1&status=canceled`)).toMatchObject({
      subscriptions: [],
      total: 0,
    });
  });

  it('find no payment by a subscription that the payment does not show', async () => {
    const [hidden] = (await harness.payments()).filter((row) => row['payment_intent_id'] === 'pi_3');
    expect(await payments(`subscription_id=${String(hidden?.['subscription_id'])}`)).toEqual([]);
    const { payments: shown } = await list('transactions?status=processing');
    expect(shown[0]?.['subscription_id']).toBeNull();
  });

  it('include the first time of a range, and exclude the last one', async () => {
    const range = (after: string, before: string) => `created_after=${after}&created_before=${before}`;
    expect(await payments(range(time(START + 10), time(START + 40)))).toEqual(['pi_3', 'pi_2', 'pi_1']);
    expect(await payments(range(time(START + 10.001), time(START + 40.001)))).toEqual([
      'pi_4',
      'pi_3',
      'pi_2',
    ]);
    expect(await payments(`created_after=${time(START + 20)}&status=succeeded`)).toEqual(['pi_4', 'pi_2']);
    // An offset, unencoded, and a fraction below a millisecond.
    expect(await payments('created_after=2026-03-01T01:00:30+01:00')).toEqual(['pi_4', 'pi_3']);
    expect(await payments('created_after=2026-03-01T00:00:30.0000001Z')).toEqual(['pi_4']);
    expect(await payments('created_before=0001-01-01T00:00:00Z')).toEqual([]);
    expect(await payments('created_before=9999-12-31T23:59:59-23:59')).toHaveLength(4);
    expect(await subscriptions(range(time(START + 2), time(START + 3)))).toEqual(['sub_2']);
    expect(await payments(range(time(START + 40), time(START + 10)))).toEqual([]);
  });

  it('count the rows of a filter', async () => {
    expect(await list('transactions?customer_id=cus_1&page_size=1&page=2')).toMatchObject({
      payments: [{ payment_intent_id: 'pi_3' }],
      total: 3,
      total_is_exact: true,
    });
  });

  it('let a client poll for changes', async () => {
    const seen = (await list('transactions?order=updated_at')).payments;
    const times = seen.map((row) => String(row['updated_at']));
    expect(times).toEqual([...times].sort());
    const last = times.at(-1) ?? '';
    await new Promise((resolve) => setTimeout(resolve, 5));
    const charge = { id: 'ch_1', object: 'charge', payment_intent: 'pi_1', amount: 500, captured: true };
    await apply(harness, 'charge.refunded', 100, {
      ...{ ...charge, amount_captured: 500, amount_refunded: 200, currency: 'usd', created: START + 10 },
      metadata: {},
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { payments: changed, total } = await list(`transactions?updated_since=${last}`);
    // `updated_since` is inclusive: rows that were written in the same millisecond as the last one come again.
    const again = seen.filter((row) => row['updated_at'] === last).map((row) => row['payment_intent_id']);
    expect(again).not.toHaveLength(0);
    expect(changed.map((row) => row['payment_intent_id'])).toEqual([...again, 'pi_1']);
    expect(changed.at(-1)).toMatchObject({ status: 'partially_refunded' });
    expect(total).toBe(again.length + 1);
    const newest = String(changed.at(-1)?.['updated_at']);
    expect(newest > last).toBe(true);
    // A dispute changes what the payment shows.
    await apply(harness, 'charge.dispute.created', 110, {
      ...{
        id: 'dp_1',
        object: 'dispute',
        charge: 'ch_1',
        payment_intent: 'pi_1',
        amount: 500,
        currency: 'usd',
      },
      ...{ status: 'needs_response', created: START + 110 },
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { payments: disputed } = await list(
      `stripe/projects/${harness.projectId}/payments?updated_since=${newest}`,
    );
    expect(disputed.at(-1)).toMatchObject({ payment_intent_id: 'pi_1', dispute_status: 'needs_response' });
    expect(String(disputed.at(-1)?.['updated_at']) > newest).toBe(true);
    expect(await payments(`updated_since=${last}&order=created_at&customer_id=cus_1`)).toContain('pi_1');
  });

  it('cover the projects in which the caller has a role, and no others', async () => {
    const member = accessToken({ sub: 'member-1' });
    expect(await payments('', member)).toEqual([]);
    await execute(
      app.database,
      `INSERT INTO project_members (project_id, subject, role, created_at)
       SELECT id, 'member-1', 'viewer', created_at FROM projects WHERE id = '${other.projectId}'`,
    );
    await app.createProject(member);
    expect(await payments('', member)).toEqual(['pi_4']);
    expect(await payments('customer_id=cus_1&order=updated_at', member)).toEqual(['pi_4']);
    expect(await list('transactions?status=succeeded', member)).toMatchObject({ total: 1 });
    expect(await list('stats', member)).toMatchObject({ total_projects: 2, total_payments: 1 });
    for (const token of [member, STRANGER]) {
      expect(await payments(`project_id=${harness.projectId}`, token)).toEqual([]);
      expect(await list(`transactions?project_id=${harness.projectId}`, token)).toMatchObject({ total: 0 });
      expect(await payments(`subscription_id=${subscriptionRow}`, token)).toEqual([]);
      expect(await payments('payment_intent_id=pi_2', token)).toEqual([]);
      expect(await subscriptions('subscription_id=sub_1', token)).toEqual([]);
    }
  });

  it.each([
    ['user_id=user-1', 'query.user_id uuid_parsing'],
    ['customer_id=', 'query.customer_id string_too_short'],
    [`customer_id=sk_live_${'a'.repeat(24)}`, 'query.customer_id value_error'],
    ['customer_id=a%00', 'query.customer_id value_error'],
    ['customer_id=a&customer_id=b', 'query.customer_id string_type'],
    ['subscription_id=sub_1', 'query.subscription_id uuid_parsing'],
    ['created_after=yesterday', 'query.created_after datetime_parsing'],
    ['created_after=2026-03-01', 'query.created_after datetime_parsing'],
    ['created_before=2026-02-30T00:00:00Z', 'query.created_before datetime_parsing'],
    ['updated_since=2026-03-01T00:00:00', 'query.updated_since datetime_parsing'],
    ['order=amount', 'query.order enum'],
    ['created_before_=x', 'query extra_forbidden'],
  ])('refuse %s', async (query, problem) => {
    const { body } = await app.send('get', `/api/v1/payments/transactions?${query}`).expect(422);
    const { detail } = body as { detail: { loc: string[]; type: string }[] };
    expect(detail.map(({ loc, type }) => `${loc.join('.')} ${type}`)).toEqual([problem]);
  });
});
