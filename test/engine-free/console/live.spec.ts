import type { Page } from 'playwright-core';
import { describeInBrowser } from '../../harness/browser.js';
import { ConsoleInBrowser, PASSWORD, type Person } from '../../harness/console.js';
import { execute, rowsOf } from '../../harness/database/rows.js';
import { eventually } from '../../harness/eventually.js';
import { stripeSignature } from '../../harness/stripe/webhook-signature.js';
import { configPath } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';

const SECRET = `whsec_${'a'.repeat(32)}`;
const SCOPE = 'till:operate';
const now = () => Math.floor(Date.now() / 1_000);

describeInBrowser('The console while things happen', () => {
  let tried: ConsoleInBrowser;
  let owner: Person;
  let page: Page;
  let project: string;

  beforeAll(async () => {
    tried = await ConsoleInBrowser.start({ AUTH_OPERATOR_SCOPE: SCOPE });
    owner = await tried.register('ada@example.com', await tried.newPage());
    page = owner.page;
    project = await tried.app.createProject(owner.token, 'Corner shop');
    await tried.app
      .send('put', configPath(project), owner.token)
      .send({ live_webhook_secret: SECRET })
      .expect(200);
  }, 120_000);
  afterAll(() => tried.stop());

  const open = (path: string) => tried.open(page, `/projects/${project}${path}`);
  const rows = () => page.getByRole('table', { name: 'Events from Stripe' }).getByRole('row');

  async function deliver(id: string, type: string, object: object): Promise<void> {
    const event = {
      ...{ id, object: 'event', api_version: '2026-10-28.endive', created: now(), livemode: true },
      ...{ pending_webhooks: 1, request: null, type, data: { object } },
    };
    const body = JSON.stringify(event);
    await tried.app
      .send('post', `/api/v1/payments/stripe/webhooks/${project}/live`, null)
      .set('content-type', 'application/json')
      .set('stripe-signature', stripeSignature(body, SECRET, now()))
      .send(body)
      .expect(200);
  }

  const payment = (id: string, amount: number) => ({
    ...{ id: `pi_${id}`, object: 'payment_intent', amount, amount_received: amount, currency: 'kwd' },
    ...{ created: now(), livemode: true, metadata: {}, status: 'succeeded', latest_charge: `ch_${id}` },
  });

  it('shows an event that arrives while following, and replays it', async () => {
    await open('/events');
    await page.getByText('No event has arrived yet').waitFor();
    await page.getByLabel('Follow').check();
    await deliver('evt_1', 'payment_intent.succeeded', payment('one', 12_500));
    await rows().filter({ hasText: 'payment_intent.succeeded' }).waitFor();
    await rows().getByRole('button', { name: 'payment_intent.succeeded' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('The event was replayed: applied.').waitFor();
    await dialog.getByRole('button', { name: 'Show payload' }).click();
    await dialog.getByText('"amount": 12500').waitFor();
    expect(await tried.obstacles(page, 'the dialog of an event')).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('plots a refund, in the decimals of its currency', async () => {
    const charge = {
      id: 'ch_one',
      object: 'charge',
      amount: 12_500,
      amount_captured: 12_500,
      captured: true,
    };
    await deliver('evt_2', 'charge.refunded', {
      ...{ ...charge, amount_refunded: 4_500, currency: 'kwd', created: now(), disputed: false },
      ...{ livemode: true, metadata: {}, paid: true, payment_intent: 'pi_one', refunded: false },
      status: 'succeeded',
    });
    await open('/money?plot=refunds');
    const plot = page.getByRole('region', { name: 'Refunds' });
    await plot.locator('canvas').waitFor();
    await plot.getByRole('button', { name: 'Show as table' }).click();
    await plot.getByRole('cell', { name: /4\.500/ }).waitFor();
    const list = page.getByRole('table', { name: 'Payments' });
    await list.getByText('Partially refunded').waitFor();
    await list.getByText(/12\.500/).waitFor();
  });

  it('plots a dispute, and shows which events made the payment what it is', async () => {
    await deliver('evt_3', 'charge.dispute.created', {
      ...{ id: 'dp_one', object: 'dispute', charge: 'ch_one', payment_intent: 'pi_one', amount: 8_000 },
      ...{ currency: 'kwd', created: now(), livemode: true, metadata: {}, status: 'needs_response' },
    });
    await open('/money?plot=disputes');
    const plot = page.getByRole('region', { name: 'Disputes' });
    await plot.getByText('1 dispute').waitFor();
    await plot.getByRole('button', { name: 'Show as table' }).click();
    await plot.getByRole('cell', { name: /8\.000/ }).waitFor();
    await page.getByRole('table', { name: 'Payments' }).getByRole('link').first().click();
    await page.getByText('Needs your answer').waitFor();
    const events = page.getByRole('region', { name: 'Events' }).getByRole('listitem');
    await events.nth(2).waitFor();
    // The address has all of the state: the page is the same after a reload.
    await page.reload();
    await events.filter({ hasText: 'Dispute was opened' }).filter({ hasText: 'Applied' }).waitFor();
    await events.filter({ hasText: 'Payment was refunded' }).waitFor();
    expect(await tried.obstacles(page, 'a payment')).toEqual([]);
    await events.getByRole('link', { name: 'Payment succeeded' }).click();
    const dialog = page.getByRole('dialog', { name: 'payment_intent.succeeded' });
    await dialog.getByText('evt_1').waitFor();
    await dialog.getByRole('link', { name: 'pi_one' }).click();
    await page.getByText('Needs your answer').waitFor();
    await page.goBack();
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    expect(await rows().count()).toBe(4);
  });

  it('leads from a payment to its subscription, and back', async () => {
    await deliver('evt_4', 'customer.subscription.created', {
      ...{ id: 'sub_one', object: 'subscription', status: 'active', customer: 'cus_one', created: now() },
      ...{ currency: 'kwd', livemode: true, metadata: {} },
      items: {
        object: 'list',
        data: [{ id: 'si_one', quantity: 1, price: { id: 'price_one', nickname: 'Bread, monthly' } }],
      },
    });
    await execute(
      tried.app.database,
      `UPDATE stripe_payments SET subscription_id = (SELECT id FROM stripe_subscriptions WHERE subscription_id = 'sub_one')`,
    );
    await open('/money/payments/pi_one?mode=live');
    await page.getByRole('link', { name: 'Bread, monthly' }).click();
    await page.getByRole('heading', { name: 'Subscription', exact: true }).waitFor();
    await page.getByRole('region', { name: 'Events' }).getByText('Subscription was created').waitFor();
    expect(await tried.obstacles(page, 'a subscription')).toEqual([]);
    await page.getByRole('table', { name: 'Payments' }).getByRole('link').click();
    await page.getByRole('heading', { name: 'Payment', level: 1 }).waitFor();
  });

  it('keeps what is typed when the session ends, and goes on after signing in', async () => {
    await open('');
    const name = page.getByLabel('Name', { exact: true });
    await name.fill('Corner shop and bakery');
    await page.context().clearCookies();
    // The server forgets the token, too.
    await tried.app.send('delete', '/api/v1/auth/sessions', owner.token).expect(204);
    await page.getByRole('button', { name: 'Save' }).click();
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.getByLabel('E-mail address').fill(owner.email);
    await dialog.getByLabel('Password').fill(PASSWORD);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await name.inputValue()).toBe('Corner shop and bakery');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Corner shop and bakery' }).waitFor();
    owner = { ...owner, token: await tried.tokenOf(owner.email) };
  });

  it('renews the session once for two tabs', async () => {
    const refreshes: string[] = [];
    const other = tried.watch(await page.context().newPage());
    for (const tab of [page, other])
      tab.on('request', (request) => {
        if (request.url().endsWith('/session/refresh')) refreshes.push(request.url());
      });
    await tried.open(other, `/projects/${project}`);
    await tried.settled(other);
    refreshes.length = 0;
    // Both tabs are refused at once, as after the token has expired.
    const isOld = new Set([await tokenIn(page), await tokenIn(other)]);
    await page.context().route('**/api/v1/payments/**', (route) => {
      const token = route.request().headers().authorization;
      return isOld.has(token)
        ? route.fulfill({ status: 401, body: '{"detail":"expired"}' })
        : route.continue();
    });
    await Promise.all(
      [page, other].map(async (tab) => {
        await tab.getByRole('navigation').getByRole('link', { name: 'Money' }).click();
        await tab.getByRole('table', { name: 'Payments' }).waitFor();
      }),
    );
    expect(refreshes).toHaveLength(1);
    await page.context().unroute('**/api/v1/payments/**');
    await other.close();
  });

  /** The header of a request that the page sends. */
  async function tokenIn(tab: Page): Promise<string | undefined> {
    const request = tab.waitForRequest(/\/api\/v1\/(?:payments|projects)/);
    await tab.getByRole('navigation').getByRole('link', { name: 'History' }).click();
    return (await request).headers().authorization;
  }

  it('says plainly that the server is away, keeps what it shows, and recovers by itself', async () => {
    await open('');
    await page.route('**/api/v1/**', (route) =>
      route.fulfill({ status: 503, json: { detail: 'The database can not be reached at the moment.' } }),
    );
    await page.getByRole('navigation').getByRole('link', { name: 'Access' }).click();
    await page.getByText('The database can not be reached at the moment.').first().waitFor();
    await page.unroute('**/api/v1/**');
    await page.getByRole('heading', { name: 'Members' }).waitFor();
    await page.getByText('No invitation is open').waitFor();
    await page.context().setOffline(true);
    await page.getByText('You are offline.').waitFor();
    await page.context().setOffline(false);
    await page.getByText('You are offline.').waitFor({ state: 'detached' });
  }, 120_000);

  it('scrolls through ten thousand events with few of them in the document', async () => {
    const [row] = await rowsOf(tried.app.database, 'webhook_events');
    const names = Object.keys(row ?? {});
    const values = names.map((name) => (name === 'id' ? "'evt_many_' || n" : name)).join(', ');
    await execute(
      tried.app.database,
      `INSERT INTO webhook_events (${names.join(', ')})
       WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)
       SELECT ${values} FROM webhook_events CROSS JOIN numbers WHERE id = 'evt_1'`,
    );
    await open('/events');
    await page.getByText(/^10,000 events$/).waitFor();
    const most = await page.evaluate<number>(`(async () => {
      let most = 0;
      for (const end = Date.now() + 100_000; Date.now() < end; ) {
        scrollTo(0, document.documentElement.scrollHeight);
        most = Math.max(most, document.querySelectorAll('[role=row]').length);
        if (![...document.querySelectorAll('main button')].some((each) => each.textContent === 'Load more')) return most;
        await new Promise((done) => setTimeout(done, 20));
      }
      return Infinity;
    })()`);
    expect(most).toBeLessThan(800);
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeGreaterThan(10_000 * 38);
  }, 120_000);

  it('says in words that deliveries have the wrong signature', async () => {
    for (let count = 0; count < 5; count += 1)
      await tried.app
        .send('post', `/api/v1/payments/stripe/webhooks/${project}/live`, null)
        .set('content-type', 'application/json')
        .set('stripe-signature', stripeSignature('{}', `whsec_${'b'.repeat(32)}`, now()))
        .send('{}')
        .expect(400);
    await open('');
    const sentence = 'Deliveries in live mode are refused for their signature.';
    await eventually(async () => {
      await page.reload();
      await tried.settled(page);
      expect(await page.getByText(sentence).count()).toBe(1);
    });
    await page.getByText('The stored webhook secret is not that of the endpoint at Stripe.').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Home' }).click();
    await page.getByText('Deliveries in live mode are refused for their signature').waitFor();
  });

  it('shows an operator the system, without obstacles', async () => {
    const operator = await tried.newPage();
    await operator.goto(`${tried.origin}/console/sign-in`);
    await operator.getByRole('button', { name: 'Use a token or key' }).click();
    await operator.getByLabel('Token or key').fill(accessToken({ sub: 'operator-1', scope: SCOPE }));
    await operator.getByRole('button', { name: 'Sign in' }).click();
    await operator.getByRole('region', { name: 'All projects' }).getByText('Signatures are wrong').waitFor();
    await operator.getByLabel('Start of a name, or an id').fill('Corner');
    await operator.getByRole('button', { name: 'Search', exact: true }).click();
    await operator.getByRole('table').getByText('Signatures are wrong').waitFor();
    await operator.getByRole('link', { name: 'System' }).click();
    await operator.getByText('Has every key').waitFor();
    await operator.getByText('Stripe refuses no key').waitFor();
    expect(await tried.obstacles(operator, 'the system')).toEqual([]);
    await operator.setViewportSize({ width: 360, height: 844 });
    expect(await operator.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    await operator.context().close();
  });

  it('fits a phone on every screen', async () => {
    await page.setViewportSize({ width: 360, height: 844 });
    for (const path of ['', '/stripe', '/events', '/money', '/history']) {
      await open(path);
      await eventually(async () =>
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0),
      );
    }
  });

  it('breaks no rule of its content security policy', () => expect(tried.complaints).toEqual([]));
});
