import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { type AppWithStripe, startAppWithStripe } from './app-with-stripe.js';
import { launchBrowser } from './browser.js';
import { eventually } from './eventually.js';

const PASSWORD = 'correct horse battery staple';

/** Builds the console once for each state of its sources. Test files that run at the same time share it. */
async function builtPages(): Promise<string> {
  const hash = createHash('sha256').update(readFileSync('package-lock.json'));
  for (const folder of ['console', 'src/payments', 'src/projects'])
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort())
      if (/\.(?:tsx?|css|svg|html)$/.test(name)) hash.update(readFileSync(join(folder, name)));
  const pages = `node_modules/.cache/console-${hash.digest('hex').slice(0, 16)}`;
  if (existsSync(pages)) return pages;
  const half = `${pages}-${process.pid}`;
  await promisify(execFile)(
    process.execPath,
    [
      ...['node_modules/vite/bin/vite.js', 'build', 'console', '--logLevel', 'warn'],
      ...['--outDir', `../${half}`, '--emptyOutDir'],
    ],
    { env: { ...process.env, NODE_ENV: 'production' } },
  );
  // Another test file may have been faster.
  if (!existsSync(pages)) renameSync(half, pages);
  return pages;
}

export interface Person {
  readonly page: Page;
  readonly email: string;
  /** An access token of the person for requests without a browser. */
  readonly token: string;
}

/** The real server with the console's pages, and a browser. */
export class ConsoleInBrowser {
  /** What the browser complained about: errors of scripts, and violations of the policy. */
  readonly complaints: string[] = [];

  private constructor(
    readonly app: AppWithStripe,
    readonly browser: Browser,
    readonly origin: string,
    /** The folder of the built pages. */
    readonly pages: string,
  ) {}

  static async start(environment: Record<string, string> = {}): Promise<ConsoleInBrowser> {
    const pages = await builtPages();
    const app = await startAppWithStripe({
      pages,
      environment: {
        CONSOLE: 'true',
        AUTH_BUILTIN: 'true',
        AUTH_REGISTRATION: 'open',
        PUBLIC_BASE_URL: 'http://127.0.0.1:3000',
        ...environment,
      },
    });
    const origin = (await app.app.getUrl()).replace('[::1]', '127.0.0.1');
    return new ConsoleInBrowser(app, await launchBrowser(), origin, pages);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.app.close();
  }

  async newPage(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await this.browser.newContext({ locale: 'en', reducedMotion: 'reduce', ...options });
    return this.watch(await context.newPage());
  }

  /** Keeps what the browser complains about. */
  watch(page: Page): Page {
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => {
      // The browser reports each error response and lost connection, also expected ones.
      if (message.type() === 'error' && !/status of [45]|net::ERR/.test(message.text()))
        this.complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => this.complaints.push(message));
    return page;
  }

  async register(email: string, page: Page): Promise<Person> {
    await page.goto(`${this.origin}/console/register`);
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByRole('heading', { name: 'Home' }).waitFor();
    return { page, email, token: await this.tokenOf(email) };
  }

  async tokenOf(email: string): Promise<string> {
    const login = { email, password: PASSWORD };
    const { body } = await this.app.send('post', '/api/v1/auth/login', null).send(login).expect(200);
    return (body as { access_token: string }).access_token;
  }

  /** Makes a member of a project. */
  async join(person: Person, project: string, owner: Person, role: 'viewer' | 'admin'): Promise<void> {
    const { body } = await this.app
      .send('post', `/api/v1/projects/${project}/members`, owner.token)
      .send({ email: person.email, role })
      .expect(201);
    const token = new URL((body as { invite_url: string }).invite_url).hash.slice(1);
    await person.page.goto(`${this.origin}/console/invitation#${token}`);
    await person.page.getByRole('button', { name: 'Join the project' }).click();
    await person.page.getByRole('navigation').getByRole('link', { name: 'Overview' }).waitFor();
  }

  async open(page: Page, path: string): Promise<void> {
    await page.goto(`${this.origin}/console${path}`);
    await page.locator('main h1').waitFor();
  }

  /** Waits until nothing is loading. */
  async settled(page: Page): Promise<void> {
    await eventually(async () => expect(await page.locator('[class*=skeleton]').count()).toBe(0));
  }

  /** The obstacles that axe finds on the page, in both themes. Only colours depend on the theme. */
  async obstacles(page: Page, screen: string): Promise<string[]> {
    await page.locator('h1').waitFor();
    await this.settled(page);
    await page.evaluate(axe.source);
    const found: string[] = [];
    for (const [colorScheme, options] of [
      ['light', { resultTypes: ['violations'] }],
      ['dark', { runOnly: ['color-contrast'] }],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await page.evaluate<axe.AxeResults>(
        `axe.run(document, ${JSON.stringify(options)})`,
      );
      for (const { id, nodes } of violations)
        found.push(...nodes.map(({ html }) => `${screen}, ${colorScheme}: ${id} ${html}`));
    }
    return found;
  }
}

export { PASSWORD };
