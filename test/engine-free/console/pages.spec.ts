import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describeInBrowser } from '../../harness/browser.js';
import { ConsoleInBrowser, PASSWORD, type Person } from '../../harness/console.js';
import { eventually } from '../../harness/eventually.js';
import { EchoServer } from '../../harness/servers/echo-server.js';
import { configPath } from '../../harness/test-app.js';

/** Runs if it is anything other than text. */
const MARKUP = '<img src=x onerror="document.title=1">';
const KB = 1_000;

describeInBrowser('The console', () => {
  let tried: ConsoleInBrowser;
  let owner: Person;
  let project: string;

  beforeAll(async () => {
    tried = await ConsoleInBrowser.start();
    owner = await tried.register('ada@example.com', await tried.newPage());
    project = await tried.app.createProject(owner.token, 'Corner shop');
  }, 120_000);
  afterAll(() => tried.stop());

  const open = (page: Page, path: string) => tried.open(page, `/projects/${project}${path}`);
  const card = (page: Page, mode: 'Test mode' | 'Live mode') => page.getByRole('region', { name: mode });
  const putIn = async (page: Page, mode: 'Test mode' | 'Live mode', value: string) => {
    await card(page, mode)
      .getByRole('button', { name: /^(Add|Replace) Secret key/ })
      .click();
    await page.getByRole('dialog').getByLabel('Secret key').fill(value);
  };
  const store = (page: Page) => page.getByRole('dialog').getByRole('button', { name: 'Store', exact: true });

  it('asks who you are, keeps the session over a reload, and forgets it on demand', async () => {
    const { page, email } = await tried.register('grace@example.com', await tried.newPage());
    await page.reload();
    await page.getByRole('heading', { name: 'Home' }).waitFor();
    expect(await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })')).toBe('{}');
    await page.getByRole('button', { name: email }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.goto(`${tried.origin}/console/account`);
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
    await putIn(page, 'Test mode', tried.app.account.keys.live.secret);
    await page.getByText('This key is of the other mode.').waitFor();
    expect(await store(page).isDisabled()).toBe(true);
    await page
      .getByRole('dialog')
      .getByLabel('Secret key')
      .fill(`sk_test_${'z'.repeat(32)}`);
    await page.getByRole('dialog').getByText('Stripe does not know this key').waitFor();
    expect(await store(page).isDisabled()).toBe(true);
    await page.getByRole('dialog').getByLabel('Secret key').fill(tried.app.account.keys.test.secret);
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
    expect(await page.content()).not.toContain(tried.app.account.keys.test.secret);
  });

  it('keeps what you typed if somebody else was faster', async () => {
    const { page } = owner;
    await open(page, '/stripe');
    await putIn(page, 'Live mode', tried.app.account.keys.live.secret);
    await page.getByText('Stripe accepts this key').waitFor();
    await tried.app
      .send('put', configPath(project), owner.token)
      .send({ test_publishable_key: tried.app.account.keys.test.publishable })
      .expect(200);
    await store(page).click();
    await page.getByText('Somebody else was faster.').waitFor();
    const field = page.getByRole('dialog').getByLabel('Secret key');
    expect(await field.inputValue()).toBe(tried.app.account.keys.live.secret);
    await page.getByRole('button', { name: 'Show what is stored now' }).click();
    await store(page).click();
    await card(page, 'Live mode').getByText('Needs a webhook secret').waitFor();
  });

  it('shows a viewer nothing that would be refused', async () => {
    const viewer = await tried.register('viewer@example.com', await tried.newPage());
    await tried.join(viewer, project, owner, 'viewer');
    const refused: string[] = [];
    viewer.page.on('response', (response) => {
      if (response.status() === 403) refused.push(response.url());
    });
    const seen: string[] = [];
    for (const path of [
      '',
      '/stripe',
      '/events',
      '/money',
      '/history',
      '/access',
      '/access?tab=gateway',
      '/access?tab=destinations',
      '/access?tab=links',
    ]) {
      await open(viewer.page, path);
      await tried.settled(viewer.page);
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
    await tried.app
      .send('put', `/api/v1/projects/${project}`, owner.token)
      .send({ name: MARKUP, description })
      .expect(200);
    const make = (path: string, body: object) =>
      tried.app.send('post', path, owner.token).send(body).expect(201);
    await make(`/api/v1/projects/${project}/service-accounts`, { name: MARKUP, role: 'viewer' });
    await open(page, '');
    expect(await page.locator('main h1').textContent()).toBe(MARKUP);
    await page.getByText(description).waitFor();
    await open(page, '/access?tab=machines');
    await page.getByText(MARKUP, { exact: false }).nth(1).waitFor();
    expect(await page.locator('img[src=x]').count()).toBe(0);
    await page.goto(`${tried.origin}/console/projects/${project}/events?type=${encodeURIComponent(MARKUP)}`);
    expect(await page.getByLabel('Type').inputValue()).toBe(MARKUP);
    await tried.app
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

  it('looks for entries of the history on the server', async () => {
    const { page } = owner;
    await open(page, '/history');
    const rows = page.getByRole('table', { name: 'Entries' }).locator('tbody').getByRole('row');
    await rows.nth(1).waitFor();
    await page.getByLabel('What').selectOption('project.created');
    await page.getByLabel('Who').selectOption({ label: 'you' });
    await eventually(async () => expect(await rows.count()).toBe(1));
    // The address has both filters.
    await page.reload();
    await eventually(async () => expect(await rows.count()).toBe(1));
    await page.getByLabel('What').selectOption('history.pruned');
    await page.getByText('No entry matches').waitFor();
  });

  it('has no obstacle on any screen after signing in, in both themes', async () => {
    const { page, token } = await tried.register('tester@example.com', await tried.newPage());
    const problems: string[] = [];
    const judge = async (screen: string) => problems.push(...(await tried.obstacles(page, screen)));
    const id = await tried.app.createProject(token, 'Bakery');
    const tabs = ['people', 'machines', 'gateway', 'destinations', 'links'].map(
      (tab) => `/access?tab=${tab}`,
    );
    const screens = ['', '/stripe', '/events', '/money', '/money?list=subscriptions', '/history', ...tabs];
    for (const path of [
      '/',
      '/account',
      '/projects/new',
      ...screens.map((screen) => `/projects/${id}${screen}`),
    ]) {
      await page.goto(`${tried.origin}/console${path}`);
      await judge(path);
    }
    await page.goto(`${tried.origin}/console/projects/${id}/stripe`);
    await putIn(page, 'Test mode', 'sk_test_');
    await judge('the dialog of a key');
    expect(problems).toEqual([]);
    await page.context().close();
  }, 120_000);

  it('has no obstacle on any screen before signing in, in both themes', async () => {
    const page = await tried.newPage();
    const problems: string[] = [];
    for (const path of ['/sign-in', '/register', '/forgotten-password', '/new-password', '/invitation']) {
      await page.goto(`${tried.origin}/console${path}`);
      problems.push(...(await tried.obstacles(page, path)));
    }
    expect(problems).toEqual([]);
    await page.context().close();
  }, 120_000);

  it('lets a tenant connect Stripe on a link, once', async () => {
    let framed = '';
    const server = await new EchoServer().start();
    server.answer = ({ url }, response) => {
      const script = 'got = []; onmessage = ({ origin, data }) => got.push([origin, data.type])';
      const embedding = `<script>${script}</script><iframe src="${framed}"></iframe>`;
      response.setHeader('content-type', 'text/html').end(url === '/frame' ? embedding : '<h1>Platform</h1>');
    };
    const platform = server.url;
    const id = await tried.app.createProject(owner.token, 'Bookshop');
    const link = async () => {
      const { body } = await tried.app
        .send('post', configPath(id).replace(/config$/, 'connect-links'), owner.token)
        .send({ mode: 'test', return_url: `${platform}/back`, state: 'tenant 7', embed_origin: platform })
        .expect(201);
      return tried.origin + new URL((body as { url: string }).url).pathname;
    };
    const page = await tried.newPage();
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
    await key.fill(tried.app.account.keys.test.secret);
    await page.getByText('Stripe accepts it').waitFor();
    expect(await tried.obstacles(page, 'the connect page')).toEqual([]);
    await connect.click();
    await page.getByRole('heading', { name: 'Platform' }).waitFor();
    expect(page.url()).toBe(`${platform}/back?state=tenant%207`);
    await page.goto(url);
    await page.getByRole('heading', { name: 'This link has ended' }).waitFor();
    await page.goto(`${tried.origin}/connect/tkc_forged`);
    await page.getByRole('heading', { name: 'There is no such link' }).waitFor();
    expect(leaks).toEqual([]);
    expect(await page.context().cookies()).toEqual([]);

    framed = await link();
    await page.goto(`${platform}/frame`);
    const frame = page.frameLocator('iframe');
    await frame.getByLabel('Restricted key').fill(tried.app.account.keys.test.secret);
    await frame.getByText('Stripe accepts it').waitFor();
    await frame.getByRole('button', { name: 'Connect Stripe' }).click();
    await frame.getByRole('heading', { name: 'Stripe is connected' }).waitFor();
    await eventually(async () =>
      expect(await page.evaluate('got')).toEqual([[tried.origin, 'tillkeeper:connected']]),
    );
    await page.context().close();
    await server.stop();
  }, 120_000);

  it('explains a wrong key to a tenant in German', async () => {
    const id = await tried.app.createProject(owner.token, 'Bookshop');
    const { body } = await tried.app
      .send('post', configPath(id).replace(/config$/, 'connect-links'), owner.token)
      .send({ mode: 'test', return_url: 'https://platform.example.com/back' })
      .expect(201);
    const page = await tried.newPage({ locale: 'de' });
    await page.goto(tried.origin + new URL((body as { url: string }).url).pathname);
    await page.getByLabel('Eingeschränkter Schlüssel').fill(`sk_test_${'z'.repeat(32)}`);
    await page.getByText('Stripe kennt diesen Schlüssel nicht').waitFor();
    await page.context().close();
  });

  it('is small', async () => {
    const zippedBytes = (file: string) => statSync(join(tried.pages, 'assets', `${file}.gz`)).size;
    const scripts = readdirSync(join(tried.pages, 'assets')).filter((name) => name.endsWith('.js'));
    const total = scripts.reduce((sum, name) => sum + zippedBytes(name), 0);
    expect(total).toBeLessThanOrEqual(180 * KB);
    const page = await tried.newPage();
    const loaded = new Set<string>();
    page.on('request', (request) => {
      const [, name] = /\/assets\/(.+\.js)$/.exec(request.url()) ?? [];
      if (name !== undefined) loaded.add(name);
      if (!request.url().startsWith(tried.origin)) tried.complaints.push(request.url());
    });
    await page.goto(`${tried.origin}/console/`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    const first = [...loaded].reduce((sum, name) => sum + zippedBytes(name), 0);
    expect(first).toBeLessThanOrEqual(120 * KB);
    expect(loaded.size).toBeGreaterThan(0);
    expect(loaded.size).toBeLessThanOrEqual(8);
    const [script] = loaded;
    for (const encoding of ['br', 'gzip']) {
      const { headers } = await fetch(`${tried.origin}/console/assets/${script}`, {
        headers: { 'accept-encoding': encoding },
      });
      expect(headers.get('content-encoding')).toBe(encoding);
    }
    await page.context().close();
  });

  it('breaks no rule of its content security policy', () => expect(tried.complaints).toEqual([]));
});
