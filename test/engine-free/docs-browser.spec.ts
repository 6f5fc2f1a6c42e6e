import type { Browser, Locator, Page } from 'playwright-core';
import { describeInBrowser, launchBrowser } from '../harness/browser.js';
import { OWNER, startTestApp, type TestApp } from '../harness/test-app.js';
import { endUserToken } from '../harness/tokens.js';

describeInBrowser('/docs', () => {
  const email = 'ada@example.com';
  const password = 'correct horse battery staple';
  let app: TestApp;
  let browser: Browser;
  let page: Page;
  let origin: string;
  /** Problems of a page: errors, violations of its policy, requests to other origins. */
  const complaints: string[] = [];

  beforeAll(async () => {
    app = await startTestApp({ environment: { AUTH_BUILTIN: 'true', AUTH_REGISTRATION: 'open' } });
    await app.send('post', '/api/v1/auth/register', null).send({ email, password }).expect(201);
    origin = (await app.app.getUrl()).replace('[::1]', '127.0.0.1');
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
    page.on('console', (message) => {
      // The browser reports each error response. The expected ones are ignored.
      if (message.type() === 'error' && !/status of 4(?:04|22)/.test(message.text()))
        complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('request', (request) => {
      if (!request.url().startsWith(origin) && !request.url().startsWith('data:'))
        complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(`${origin}/docs`);
    await page.waitForSelector('.opblock');
  });
  afterAll(async () => {
    await browser?.close();
    await app.close();
  });

  const openDialog = () => page.click('.auth-wrapper .authorize.unlocked, .auth-wrapper .authorize.locked');
  const closeDialog = () => page.click('.dialog-ux .btn-done');
  const operation = (id: string) => page.locator(`.opblock[id$="-${id}"]`);

  /** A reload opens the operation in the URL again. */
  async function open(block: Locator): Promise<void> {
    await block.waitFor();
    if (!(await block.getAttribute('class'))?.includes('is-open'))
      await block.locator('.opblock-summary-control').click();
  }

  async function execute(id: string): Promise<{ status: string; body: string }> {
    const block = operation(id);
    await block.locator('.execute').click();
    const answer = block.locator('.live-responses-table .response').first();
    await answer.waitFor();
    const [status = '', body = ''] = await Promise.all([
      answer.locator('.response-col_status').innerText(),
      answer.locator('.response-col_description').innerText(),
    ]);
    return { status: status.trim(), body };
  }

  it('sends the PUT with a pasted token, and shows the masked answer', async () => {
    await openDialog();
    await page.fill('.dialog-ux input[aria-label="auth-bearer-value"]', OWNER);
    await page.click(
      '.dialog-ux .auth-container:has(input[aria-label="auth-bearer-value"]) button[type="submit"]',
    );
    await closeDialog();
    const block = operation('saveStripeConfig');
    await open(block);
    await block.locator('tr[data-param-name="project_id"] input').fill(await app.createProject());
    const secret = `sk_test_${'a'.repeat(24)}`;
    await block.locator('textarea.body-param__text').fill(JSON.stringify({ test_secret_key: secret }));
    const { status, body } = await execute('saveStripeConfig');
    expect(status).toBe('200');
    expect(body).toContain('"test_secret_key_masked": "sk_test_...aaaa"');
    expect(body).not.toContain(secret);
    const picture = process.env.SCREENSHOT;
    if (picture) {
      await block.locator('.responses-wrapper .responses-inner').scrollIntoViewIfNeeded();
      await page.screenshot({ path: picture });
    }
  });

  it('shows the errors of a body', async () => {
    const block = operation('saveStripeConfig');
    await block
      .locator('textarea.body-param__text')
      .fill(JSON.stringify({ test_secret_key: `sk_live_${'a'.repeat(24)}` }));
    await block.locator('.btn-clear').click();
    const { status, body } = await execute('saveStripeConfig');
    expect(status).toBe('422');
    expect(body).toContain('must start with sk_test_; this looks like a live secret key');
  });

  it('logs in with a name and a password', async () => {
    await openDialog();
    await page.click(
      '.dialog-ux .auth-container:has(input[aria-label="auth-bearer-value"], .wrapper code) button:has-text("Logout")',
    );
    await page.fill('.dialog-ux #oauth_username', email);
    await page.fill('.dialog-ux #oauth_password', password);
    await page.click('.dialog-ux .auth-container:has(#oauth_username) button.authorize');
    await page.waitForSelector('.dialog-ux .auth-container button:has-text("Logout")');
    await closeDialog();
    const block = operation('getMe');
    await open(block);
    await block.locator('.execute').click();
    const answer = block.locator('.live-responses-table .response').first();
    await answer.waitFor();
    expect(await answer.innerText()).toContain(email);
  });

  it('stays logged in over a reload, in this tab only and without the password', async () => {
    const saved = await page.evaluate<string>('JSON.stringify({ ...sessionStorage })');
    expect(saved).toContain('access_token');
    expect(saved).not.toContain(password);
    expect(await page.evaluate<number>('localStorage.length')).toBe(0);
    await page.reload();
    await page.waitForSelector('.opblock');
    await page.waitForSelector('.auth-wrapper .authorize.locked');
    const block = operation('getMe');
    await open(block);
    await block.locator('.execute').click();
    const answer = block.locator('.live-responses-table .response').first();
    await answer.waitFor();
    expect(await answer.innerText()).toContain(email);
  });

  it('sends the token that fits the operation when both are set', async () => {
    const projectId = await app.createProject();
    await openDialog();
    await page.fill('.dialog-ux input[aria-label="auth-bearer-value"]', endUserToken(projectId));
    await page.click(
      '.dialog-ux .auth-container:has(input[aria-label="auth-bearer-value"]) button[type="submit"]',
    );
    await closeDialog();
    await open(operation('createCheckoutSession'));
    expect((await execute('createCheckoutSession')).body).toContain(
      'This project has no Stripe configuration.',
    );
    await open(operation('listProjects'));
    expect((await execute('listProjects')).status).toBe('200');
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 375, height: 812 });
    await open(operation('saveStripeConfig'));
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(375);
    const picture = process.env.PHONE_SCREENSHOT;
    if (picture) {
      await operation('saveStripeConfig').scrollIntoViewIfNeeded();
      await page.screenshot({ path: picture });
    }
  });

  it('logs no errors, keeps its policy, and contacts no other origin', () => {
    expect(complaints).toEqual([]);
  });
});
