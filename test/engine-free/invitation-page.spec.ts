import type { Browser, Page } from 'playwright-core';
import { describeInBrowser, launchBrowser } from '../harness/browser.js';
import { eventually } from '../harness/eventually.js';
import { OWNER, startTestApp, type TestApp } from '../harness/test-app.js';

const BASE = '/pay';

describeInBrowser('/invitations', () => {
  let app: TestApp;
  let browser: Browser;
  let page: Page;
  let project: string;
  let origin: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    app = await startTestApp({
      environment: {
        AUTH_BUILTIN: 'true',
        AUTH_REGISTRATION: 'open',
        PUBLIC_BASE_URL: `https://example.com${BASE}`,
      },
    });
    origin = (await app.app.getUrl()).replace('[::1]', '127.0.0.1');
    browser = await launchBrowser();
    page = await browser.newPage();
    page.on('console', (message) => {
      // The browser reports each error response. The expected ones are ignored.
      if (message.type() === 'error' && !/status of 4/.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => complaints.push(message));
    // Plays the proxy that serves this server under a path.
    await page.route(`${origin}${BASE}/**`, (route) =>
      route.continue({ url: route.request().url().replace(BASE, '') }),
    );
    project = await app.createProject();
  });
  afterAll(async () => {
    await browser?.close();
    await app.close();
  });

  const invite = async (role: string) => {
    const { body } = await app
      .send('post', `/api/v1/projects/${project}/members`, OWNER)
      .send({ email: 'grace@example.com', role })
      .expect(201);
    return (body as { invite_url: string }).invite_url.replace('https://example.com', origin);
  };
  const status = () => page.locator('[role=status]');
  const join = async (email: string, password: string, how: string) => {
    await page.fill('[name=email]', email);
    await page.fill('[name=password]', password);
    await page.click(`button[value=${how}]`);
    await eventually(async () => expect(await status().textContent()).toMatch(/^(?!One moment)./));
    return status().textContent();
  };

  it('lets a person register or log in and join, and keeps no session', async () => {
    const [email, password] = ['grace@example.com', 'correct horse battery staple'];
    await page.goto(await invite('viewer'));
    expect(await join(email, 'short', 'register')).toBe('password must have at least 8 characters');
    expect(await join(email, password, 'register')).toBe('You have joined Corner shop as viewer.');
    await page.goto('about:blank');
    await page.goto(await invite('admin'));
    expect(await join(email, 'wrong password', 'login')).toMatch(/wrong/);
    expect(await join(email, password, 'login')).toBe('This person has a role in the project already.');
    const { body } = await app.send('get', `/api/v1/projects/${project}/members`).expect(200);
    expect(body).toMatchObject({ members: [{ role: 'owner' }, { role: 'viewer' }] });
    const login = await app.send('post', '/api/v1/auth/login', null).send({ email, password }).expect(200);
    const { access_token: token } = login.body as { access_token: string };
    const sessions = await app.send('get', '/api/v1/auth/sessions', token).expect(200);
    expect((sessions.body as { sessions: unknown[] }).sessions).toHaveLength(1);
    expect(complaints).toEqual([]);
  });

  it('reports a missing, used or withdrawn token', async () => {
    await page.goto(`${origin}/invitations`);
    expect(await status().textContent()).toMatch(/copy all of it/);
    await page.goto('about:blank');
    await page.goto(`${origin}/invitations#tki_used`);
    expect(await join('grace@example.com', 'correct horse battery staple', 'login')).toMatch(
      /There is no such/,
    );
  });
});

describe('/invitations', () => {
  it('may run its own script only, and is hidden without built-in accounts', async () => {
    const app = await startTestApp({ environment: { AUTH_BUILTIN: 'true' } });
    const { headers, text } = await app.send('get', '/invitations', null).expect(200);
    expect(text).toMatch(/^<!doctype html>/);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; connect-src 'self'; /,
      ) as string,
    });
    await app.close();
    const without = await startTestApp({ environment: { AUTH_BUILTIN: 'false' } });
    for (const method of ['get', 'post'] as const)
      await without.send(method, '/invitations', null).expect(404);
    await without.close();
  });
});
