import type { Page } from 'playwright-core';
import { describeInBrowser } from '../../harness/browser.js';
import { ConsoleInBrowser, type Person } from '../../harness/console.js';
import { eventually } from '../../harness/eventually.js';
import { EchoServer } from '../../harness/servers/echo-server.js';

describeInBrowser('Access to a project', () => {
  let tried: ConsoleInBrowser;
  let owner: Person;
  let page: Page;
  let project: string;
  let receiver: EchoServer;
  let answer = { status: 503, text: '' };

  beforeAll(async () => {
    receiver = await new EchoServer().start();
    receiver.answer = (_, response) => {
      response.statusCode = answer.status;
      response.end(answer.text);
    };
    tried = await ConsoleInBrowser.start();
    owner = await tried.register('ada@example.com', await tried.newPage());
    page = owner.page;
    project = await tried.app.createProject(owner.token, 'Corner shop');
  }, 120_000);
  afterAll(async () => {
    await tried.stop();
    await receiver.stop();
  });

  const open = (tab: string) => tried.open(page, `/projects/${project}/access?tab=${tab}`);
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const dialog = () => page.getByRole('dialog');

  it('adds an event destination, and shows its secret once', async () => {
    await open('destinations');
    await page.getByText('No event destination yet').waitFor();
    await button('Add destination').click();
    await dialog().getByLabel('URL').fill('ftp://example.com');
    await dialog().getByRole('button', { name: 'Add destination' }).click();
    await eventually(async () =>
      expect(await dialog().getByLabel('URL').getAttribute('aria-invalid')).toBe('true'),
    );
    await dialog().getByLabel('URL').fill(`${receiver.url}/events`);
    await dialog().getByLabel('Description').fill('Billing backend');
    await dialog().getByLabel('Own headers').fill('X-Api-Key: example');
    await dialog().getByRole('button', { name: 'Add destination' }).click();
    await dialog().getByText('It is not shown again.').waitFor();
    const secret = (await dialog().locator('code').textContent()) ?? '';
    expect(secret).toMatch(/^whsec_/);
    expect(await tried.obstacles(page, 'the new secret')).toEqual([]);
    await button('I have kept it').click();
    await page.getByRole('link', { name: 'Billing backend' }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: 'Billing backend' }).click();
    await page.getByText('X-Api-Key').waitFor();
    expect(await page.content()).not.toContain(secret);
  });

  it('shows what the receiver answered, and sends again', async () => {
    answer = { status: 503, text: '<b>We are moving</b>' };
    await button('Send test event').click();
    await page.getByText('The test event was not taken.').waitFor();
    const delivery = page.locator('details').first();
    await delivery.locator('summary').click();
    await delivery.getByText('<b>We are moving</b>').waitFor();
    expect(await tried.obstacles(page, 'a destination')).toEqual([]);
    answer = { status: 200, text: '' };
    await delivery.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('The event is sent again.').waitFor();
    await button('Send test event').click();
    await page.getByText('The receiver took the test event.').waitFor();
  });

  it('disables a destination, changes it, rotates its secret, and deletes it', async () => {
    await button('Disable').click();
    await button('Enable').waitFor();
    await button('Change').click();
    await dialog().getByLabel('Description').fill('Warehouse');
    await dialog().getByRole('combobox', { name: 'Events' }).selectOption('some');
    await dialog().getByLabel('Payment is refunded').check();
    await dialog().getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Warehouse' }).waitFor();
    await page.getByRole('definition').filter({ hasText: 'Payment is refunded' }).waitFor();
    // The headers were not typed again, and stay.
    await page.getByText('X-Api-Key').waitFor();
    await button('Rotate secret').click();
    await dialog().getByRole('button', { name: 'Rotate secret' }).click();
    await dialog()
      .getByText(/^whsec_/)
      .waitFor();
    await button('I have kept it').click();
    await page.getByText('Former secret ends').waitFor();
    await button('Delete destination').click();
    await dialog().getByRole('button', { name: 'Delete destination' }).click();
    await page.getByText('No event destination yet').waitFor();
  });

  it('keeps where problems are mailed to', async () => {
    await open('people');
    const mails = page.getByRole('region', { name: 'Your mails' });
    const address = mails.getByLabel('E-mail address');
    expect(await address.getAttribute('placeholder')).toBe('ada@example.com');
    await address.fill('nobody');
    await mails.getByRole('button', { name: 'Save' }).click();
    await eventually(async () => expect(await address.getAttribute('aria-invalid')).toBe('true'));
    await address.fill('oncall@example.com');
    await mails.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Your choice is saved.').waitFor();
    await page.reload();
    await eventually(async () => expect(await address.inputValue()).toBe('oncall@example.com'));
    await mails.getByLabel(/^Mail me when/).uncheck();
    await mails.getByRole('button', { name: 'Save' }).click();
    await eventually(async () =>
      expect(await mails.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true),
    );
    await page.reload();
    await eventually(async () => expect(await address.isDisabled()).toBe(true));
    expect(await tried.obstacles(page, 'members')).toEqual([]);
  });

  it('makes a connect link that works, and revokes it', async () => {
    await open('links');
    await button('Make connect link').click();
    await dialog().getByRole('button', { name: 'Test', exact: true }).click();
    await dialog().getByLabel('Return URL').fill('https://platform.example.com/back');
    await dialog().getByLabel('State').fill('tenant-4711');
    await dialog().getByLabel('Works for').selectOption('1 hour');
    await dialog().getByRole('button', { name: 'Make connect link' }).click();
    const url = (await dialog().locator('code').textContent()) ?? '';
    expect(new URL(url).pathname).toMatch(/^\/connect\/tkc_/);
    await button('I have kept it').click();
    await page.getByText('tenant-4711').waitFor();
    expect(await tried.obstacles(page, 'connect links')).toEqual([]);
    expect(await page.content()).not.toContain(url);
    await button('Revoke').click();
    await page.getByText('No connect link is open').waitFor();
    const tenant = await tried.newPage();
    await tenant.goto(tried.origin + new URL(url).pathname);
    await tenant.getByRole('heading', { name: 'This link has ended' }).waitFor();
    await tenant.context().close();
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 360, height: 844 });
    for (const tab of ['people', 'machines', 'gateway', 'destinations', 'links']) {
      await open(tab);
      await tried.settled(page);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    }
  });

  it('breaks no rule of its content security policy', () => expect(tried.complaints).toEqual([]));
});
