import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type AppWithStripe, startAppWithStripe } from '../harness/app-with-stripe.js';
import { describeInBrowser, launchBrowser } from '../harness/browser.js';
import { eventually } from '../harness/eventually.js';
import { EchoServer } from '../harness/servers/echo-server.js';
import { configPath } from '../harness/test-app.js';

const PAGES = 'node_modules/.cache/console';
const PASSWORD = 'correct horse battery staple';
/** Runs if it is anything other than text. */
const MARKUP = '<img src=x onerror="document.title=1">';
const KB = 1_000;

const build = () =>
  promisify(execFile)(
    process.execPath,
    [
      ...['node_modules/vite/bin/vite.js', 'build', 'console', '--logLevel', 'warn'],
      ...['--outDir', `../${PAGES}`, '--emptyOutDir'],
    ],
    { env: { ...process.env, NODE_ENV: 'production' } },
  );

const zippedBytes = (file: string) => gzipSync(readFileSync(join(PAGES, 'assets', file))).length;

describeInBrowser('The console', () => {
  let app: AppWithStripe;
  let browser: Browser;
  let origin: string;
  let owner: { page: Page; email: string; token: string };
  let project: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    await build();
    app = await startAppWithStripe({
      pages: PAGES,
      environment: {
        CONSOLE: 'true',
        AUTH_BUILTIN: 'true',
        AUTH_REGISTRATION: 'open',
        PUBLIC_BASE_URL: 'http://127.0.0.1:3000',
      },
    });
    origin = (await app.app.getUrl()).replace('[::1]', '127.0.0.1');
    browser = await launchBrowser();
    owner = await register('ada@example.com', await newPage());
    project = await app.createProject(owner.token, 'Corner shop');
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await app.close();
  });

  async function newPage(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context: BrowserContext = await browser.newContext({
      locale: 'en',
      reducedMotion: 'reduce',
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => {
      // The browser reports each error response, also expected ones.
      if (message.type() === 'error' && !/status of 4/.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => complaints.push(message));
    return page;
  }

  async function register(email: string, page: Page) {
    await page.goto(`${origin}/console/register`);
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByRole('heading', { name: 'Home' }).waitFor();
    return { page, email, token: (await tokensOf(email)).access_token };
  }

  async function tokensOf(email: string): Promise<{ access_token: string }> {
    const login = { email, password: PASSWORD };
    const { body } = await app.send('post', '/api/v1/auth/login', null).send(login).expect(200);
    return body as { access_token: string };
  }

  /** Waits until nothing is loading. */
  const settled = (page: Page) =>
    eventually(async () => expect(await page.locator('[class*=skeleton]').count()).toBe(0));
  const open = async (page: Page, path: string) => {
    await page.goto(`${origin}/console/projects/${project}${path}`);
    await page.locator('main h1').waitFor();
  };
  const card = (page: Page, mode: 'Test mode' | 'Live mode') => page.getByRole('region', { name: mode });
  const putIn = async (page: Page, mode: 'Test mode' | 'Live mode', value: string) => {
    await card(page, mode)
      .getByRole('button', { name: /^(Add|Replace) Secret key/ })
      .click();
    await page.getByRole('dialog').getByLabel('Secret key').fill(value);
  };
  const store = (page: Page) => page.getByRole('dialog').getByRole('button', { name: 'Store', exact: true });

  it('asks who you are, keeps the session over a reload, and forgets it on demand', async () => {
    const { page, email } = await register('grace@example.com', await newPage());
    await page.reload();
    await page.getByRole('heading', { name: 'Home' }).waitFor();
    expect(await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })')).toBe('{}');
    await page.getByRole('button', { name: email }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.goto(`${origin}/console/account`);
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password').fill('wrong password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText(/wrong/i).waitFor();
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Your account' }).waitFor();
    await page.context().close();
  });

  it('checks a key while it is typed, and stores it', async () => {
    const { page } = owner;
    await open(page, '/stripe');
    await putIn(page, 'Test mode', app.account.keys.live.secret);
    await page.getByText('This key is of the other mode.').waitFor();
    expect(await store(page).isDisabled()).toBe(true);
    await page
      .getByRole('dialog')
      .getByLabel('Secret key')
      .fill(`sk_test_${'z'.repeat(32)}`);
    await page.getByRole('dialog').getByText('Stripe does not know this key').waitFor();
    expect(await store(page).isDisabled()).toBe(true);
    await page.getByRole('dialog').getByLabel('Secret key').fill(app.account.keys.test.secret);
    await page.getByText('Stripe accepts this key').waitFor();
    await store(page).click();
    await card(page, 'Test mode')
      .getByText(/Needs a webhook secret/)
      .waitFor();
    await card(page, 'Test mode').getByRole('button', { name: 'Set up endpoint' }).click();
    await card(page, 'Test mode').getByText('Endpoint made here').waitFor();
    await card(page, 'Test mode')
      .getByText(/Working · checked/)
      .waitFor();
    expect(await page.content()).not.toContain(app.account.keys.test.secret);
  });

  it('keeps what you typed if somebody else was faster', async () => {
    const { page } = owner;
    await open(page, '/stripe');
    await putIn(page, 'Live mode', app.account.keys.live.secret);
    await page.getByText('Stripe accepts this key').waitFor();
    await app
      .send('put', configPath(project), owner.token)
      .send({ test_publishable_key: app.account.keys.test.publishable })
      .expect(200);
    await store(page).click();
    await page.getByText('Somebody else was faster.').waitFor();
    const field = page.getByRole('dialog').getByLabel('Secret key');
    expect(await field.inputValue()).toBe(app.account.keys.live.secret);
    await page.getByRole('button', { name: 'Show what is stored now' }).click();
    await store(page).click();
    await card(page, 'Live mode').getByText('Needs a webhook secret').waitFor();
  });

  it('shows a viewer nothing that would be refused', async () => {
    const viewer = await register('viewer@example.com', await newPage());
    const { body } = await app
      .send('post', `/api/v1/projects/${project}/members`, owner.token)
      .send({ email: viewer.email, role: 'viewer' })
      .expect(201);
    const token = new URL((body as { invite_url: string }).invite_url).hash.slice(1);
    await viewer.page.goto(`${origin}/console/invitation#${token}`);
    await viewer.page.getByRole('button', { name: 'Join the project' }).click();
    await viewer.page.getByRole('heading', { name: 'Corner shop' }).waitFor();
    const refused: string[] = [];
    viewer.page.on('response', (response) => {
      if (response.status() === 403) refused.push(response.url());
    });
    const seen: string[] = [];
    for (const path of ['', '/stripe', '/events', '/money', '/history', '/access', '/access?tab=gateway']) {
      await open(viewer.page, path);
      await settled(viewer.page);
      seen.push(...(await viewer.page.locator('main').getByRole('button').allInnerTexts()));
    }
    const controls = /Add|Replace|Destroy|Set up|Reconcile|Save|Delete|Make|Transfer|Rotate|Revoke/;
    expect(seen.filter((name) => controls.test(name))).toEqual([]);
    expect(refused).toEqual([]);
    await viewer.page.context().close();
  });

  it('shows markup in every text as text', async () => {
    const { page } = owner;
    const description = `${MARKUP} again`;
    await app
      .send('put', `/api/v1/projects/${project}`, owner.token)
      .send({ name: MARKUP, description })
      .expect(200);
    const make = (path: string, body: object) => app.send('post', path, owner.token).send(body).expect(201);
    await make(`/api/v1/projects/${project}/service-accounts`, { name: MARKUP, role: 'viewer' });
    await open(page, '');
    expect(await page.locator('main h1').textContent()).toBe(MARKUP);
    await page.getByText(description).waitFor();
    await open(page, '/access?tab=machines');
    await page.getByText(MARKUP, { exact: false }).nth(1).waitFor();
    expect(await page.locator('img[src=x]').count()).toBe(0);
    await page.goto(`${origin}/console/projects/${project}/events?type=${encodeURIComponent(MARKUP)}`);
    expect(await page.getByLabel('Type').inputValue()).toBe(MARKUP);
    await app
      .send('put', `/api/v1/projects/${project}`, owner.token)
      .send({ name: 'Corner shop' })
      .expect(200);
  });

  it('can be used by the keyboard alone', async () => {
    const { page } = owner;
    await open(page, '');
    await page.keyboard.press('g');
    await page.keyboard.press('e');
    await page.getByRole('heading', { name: 'Events', exact: true }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('combobox').waitFor();
    await page.keyboard.type('history');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'History', exact: true }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Events', exact: true }).waitFor();
  });

  it('has no obstacle on any screen, in both themes', async () => {
    const { page, email } = await register('tester@example.com', await newPage());
    const problems: string[] = [];
    const judge = async (screen: string) => {
      await page.locator('h1').waitFor();
      await settled(page);
      await page.evaluate(axe.source);
      // Only colours depend on the theme.
      for (const [colorScheme, options] of [
        ['light', { resultTypes: ['violations'] }],
        ['dark', { runOnly: ['color-contrast'] }],
      ] as const) {
        await page.emulateMedia({ colorScheme });
        const run = `axe.run(document, ${JSON.stringify(options)})`;
        const { violations } = await page.evaluate<axe.AxeResults>(run);
        problems.push(
          ...violations.flatMap(({ id, nodes }) =>
            nodes.map(({ html }) => `${screen}, ${colorScheme}: ${id} ${html}`),
          ),
        );
      }
    };
    const id = await app.createProject((await tokensOf(email)).access_token, 'Bakery');
    const tabs = ['people', 'machines', 'gateway'].map((tab) => `/access?tab=${tab}`);
    const screens = ['', '/stripe', '/events', '/money', '/money?list=subscriptions', '/history', ...tabs];
    for (const path of [
      '/',
      '/account',
      '/projects/new',
      ...screens.map((screen) => `/projects/${id}${screen}`),
    ]) {
      await page.goto(`${origin}/console${path}`);
      await judge(path);
    }
    await page.goto(`${origin}/console/projects/${id}/stripe`);
    await putIn(page, 'Test mode', 'sk_test_');
    await judge('the dialog of a key');
    await page.context().clearCookies();
    for (const path of ['/sign-in', '/register', '/forgotten-password', '/new-password', '/invitation']) {
      await page.goto(`${origin}/console${path}`);
      await judge(path);
    }
    expect(problems).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('lets a tenant connect Stripe on a link, once', async () => {
    let framed = '';
    const server = await new EchoServer().start();
    server.answer = ({ url }, response) => {
      const script = 'got = []; onmessage = ({ origin, data }) => got.push([origin, data.type])';
      const embedding = `<script>${script}</script><iframe src="${framed}"></iframe>`;
      response.setHeader('content-type', 'text/html').end(url === '/frame' ? embedding : '<h1>Platform</h1>');
    };
    const platform = server.url;
    const id = await app.createProject(owner.token, 'Bookshop');
    const link = async () => {
      const { body } = await app
        .send('post', configPath(id).replace(/config$/, 'connect-links'), owner.token)
        .send({ mode: 'test', return_url: `${platform}/back`, state: 'tenant 7', embed_origin: platform })
        .expect(201);
      return origin + new URL((body as { url: string }).url).pathname;
    };
    const page = await newPage();
    const leaks: string[] = [];
    const url = await link();
    page.on('request', (request) => {
      const known = `${request.isNavigationRequest() ? '' : request.url()} ${request.headers().referer}`;
      if (known.includes('tkc_')) leaks.push(request.url());
    });
    await page.goto(url);
    const key = page.getByLabel('Restricted key');
    const connect = page.getByRole('button', { name: 'Connect Stripe' });
    await key.fill(`sk_test_${'z'.repeat(32)}`);
    await page.getByText('Stripe does not know this key').waitFor();
    expect(await connect.isDisabled()).toBe(true);
    await key.fill(app.account.keys.test.secret);
    await page.getByText('Stripe accepts it').waitFor();
    await page.evaluate(axe.source);
    expect((await page.evaluate<axe.AxeResults>('axe.run(document)')).violations).toEqual([]);
    await connect.click();
    await page.getByRole('heading', { name: 'Platform' }).waitFor();
    expect(page.url()).toBe(`${platform}/back?state=tenant%207`);
    await page.goto(url);
    await page.getByRole('heading', { name: 'This link has ended' }).waitFor();
    await page.goto(`${origin}/connect/tkc_forged`);
    await page.getByRole('heading', { name: 'There is no such link' }).waitFor();
    expect(leaks).toEqual([]);
    expect(await page.context().cookies()).toEqual([]);

    framed = await link();
    await page.goto(`${platform}/frame`);
    const frame = page.frameLocator('iframe');
    await frame.getByLabel('Restricted key').fill(app.account.keys.test.secret);
    await frame.getByText('Stripe accepts it').waitFor();
    await frame.getByRole('button', { name: 'Connect Stripe' }).click();
    await frame.getByRole('heading', { name: 'Stripe is connected' }).waitFor();
    await eventually(async () =>
      expect(await page.evaluate('got')).toEqual([[origin, 'tillkeeper:connected']]),
    );
    await page.context().close();
    await server.stop();
  }, 60_000);

  it('is small', async () => {
    const scripts = readdirSync(join(PAGES, 'assets')).filter((name) => name.endsWith('.js'));
    const total = scripts.reduce((sum, name) => sum + zippedBytes(name), 0);
    expect(total).toBeLessThanOrEqual(180 * KB);
    const page = await newPage();
    const loaded = new Set<string>();
    page.on('request', (request) => {
      const [, name] = /\/assets\/(.+\.js)$/.exec(request.url()) ?? [];
      if (name !== undefined) loaded.add(name);
      if (!request.url().startsWith(origin)) complaints.push(request.url());
    });
    await page.goto(`${origin}/console/`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    const first = [...loaded].reduce((sum, name) => sum + zippedBytes(name), 0);
    expect(first).toBeLessThanOrEqual(120 * KB);
    expect(loaded.size).toBeGreaterThan(0);
    expect(loaded.size).toBeLessThanOrEqual(8);
    await page.context().close();
  });

  it('breaks no rule of its content security policy', () => expect(complaints).toEqual([]));
});
