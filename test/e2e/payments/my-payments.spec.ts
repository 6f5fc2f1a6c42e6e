import { randomUUID } from 'node:crypto';
import { endUserId } from '../../../src/auth/caller.js';
import { type AppWithStripe, startAppWithStripe } from '../../harness/app-with-stripe.js';
import { execute } from '../../harness/database/rows.js';
import { openBillingHarness, type BillingHarness } from '../../harness/ledger/billing-harness.js';

let app: AppWithStripe;
let billing: BillingHarness;

beforeAll(async () => {
  app = await startAppWithStripe();
});
afterAll(() => app.close());
beforeEach(async () => {
  billing = await openBillingHarness(app);
});

/** Records payments in the ledger, one a minute. @returns Stripe's ids, newest first */
async function pay(
  count: number,
  { user = 'user-1', mode = 'test', minute = 0, amount = 2_000 } = {},
): Promise<string[]> {
  const ids: string[] = [];
  for (let nth = 0; nth < count; nth++) {
    const id = `pi_${mode}_${randomUUID().replaceAll('-', '')}`;
    const at = `'2026-11-21 10:${String(minute + nth).padStart(2, '0')}:00.000'`;
    await execute(
      app.database,
      `INSERT INTO stripe_payments (project_id, mode, payment_intent_id, id, user_id, user_rank, status, amount_cents, currency,
         refunded_amount_cents, description, created_at, source_rank, as_of, revision, updated_at)
       VALUES ('${billing.projectId}', '${mode}', '${id}', '${randomUUID()}', '${endUserId(billing.projectId, user)}', 9, 'succeeded',
         ${amount}, 'usd', 500, 'Pro', ${at}, 9, ${at}, 1, ${at})`,
    );
    ids.unshift(id);
  }
  return ids;
}
interface Page {
  payments: { payment_intent_id: string }[];
}
const list = async (query = '', user?: string) =>
  (await billing.get(`my-payments${query}`, user).expect(200)).body as Page;
const idsOf = ({ payments }: Page) => payments.map(({ payment_intent_id: id }) => id);

describe('GET my-payments', () => {
  it('is empty for a user who never paid', async () => {
    expect(await list()).toEqual({
      payments: [],
      total: 0,
      total_is_exact: true,
      page: 1,
      page_size: 50,
    });
  });

  it('shows the rows of the ledger', async () => {
    // More than fits into 32 bits.
    const [id] = await pay(1, { amount: 99_999_999_999 });
    expect(await list()).toEqual({
      payments: [
        {
          id: expect.any(String) as string,
          project_id: billing.projectId,
          subscription_id: null,
          user_id: endUserId(billing.projectId, 'user-1'),
          customer_id: null,
          is_test_mode: true,
          payment_intent_id: id,
          status: 'succeeded',
          amount_cents: 99_999_999_999,
          currency: 'usd',
          source: 'stripe',
          description: 'Pro',
          refunded_amount_cents: 500,
          dispute_status: null,
          created_at: '2026-11-21T10:00:00.000Z',
          updated_at: '2026-11-21T10:00:00.000Z',
        },
      ],
      total: 1,
      total_is_exact: true,
      page: 1,
      page_size: 50,
    });
  });

  it('has pages, newest first', async () => {
    const ids = await pay(5);
    expect(idsOf(await list())).toEqual(ids);
    expect(await list('?page=2&page_size=2')).toMatchObject({ total: 5, page: 2, page_size: 2 });
    expect(idsOf(await list('?page=2&page_size=2'))).toEqual(ids.slice(2, 4));
    expect(idsOf(await list('?page=3&page_size=2'))).toEqual(ids.slice(4));
    expect(await list('?page=4&page_size=2')).toMatchObject({ payments: [], total: 5 });
    expect(await list('?page=999999999&page_size=100')).toMatchObject({ payments: [], total: 5 });
  });

  it('orders payments with equal times', async () => {
    for (let nth = 0; nth < 6; nth++) await pay(1);
    const pages = [await list('?page=1&page_size=3'), await list('?page=2&page_size=3')].flatMap(idsOf);
    expect(pages).toEqual(idsOf(await list()));
    expect(new Set(pages).size).toBe(6);
  });

  it("shows only the user's own payments of one mode", async () => {
    await pay(1, { user: 'another user' });
    const [live] = await pay(1, { mode: 'live' });
    expect(await list()).toMatchObject({ payments: [], total: 0 });
    expect(idsOf(await list('?test_mode=false'))).toEqual([live]);
  });

  it.each([
    'page=0',
    'page=-1',
    'page=x',
    'page=1.5',
    'page=',
    'page=1e3',
    'page_size=0',
    'page_size=101',
    'page=1&page=2',
  ])('refuses ?%s: 422', async (query) => {
    const { body } = await billing.get(`my-payments?${query}`).expect(422);
    expect(body.detail).toEqual([expect.objectContaining({ loc: ['query', query.split('=')[0]] })]);
  });
});
