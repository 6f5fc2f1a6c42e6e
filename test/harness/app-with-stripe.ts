import type { ProjectId } from '../../src/common/ids.js';
import { parseProjectId } from '../../src/common/ids.js';
import type { Permission } from './stripe/keys.js';
import type { StripeAccount } from './stripe/stripe-account.js';
import { StripeServer } from './stripe/stripe-server.js';
import { rowsOf, tablesOf } from './database/rows.js';
import { configPath, startTestApp, type TestApp, type TestAppOptions } from './test-app.js';

export interface AppWithStripe extends TestApp {
  readonly stripe: StripeServer;
  /** An account at Stripe, with keys. */
  readonly account: StripeAccount;
  /** Every answer of ours: headers and body. */
  readonly answers: string[];
  createProject(token?: string, name?: string): Promise<ProjectId>;
}

/** The permissions that a restricted key needs to be accepted. */
export const NEEDED_PERMISSIONS: readonly Permission[] = [
  'rak_customer_read',
  'rak_product_read',
  'rak_plan_read',
  'rak_checkout_session_read',
  'rak_customer_portal_read',
  'rak_subscription_read',
  'rak_invoice_read',
  'rak_payment_intent_read',
  'rak_charge_read',
  'rak_event_read',
  'rak_webhook_read',
];

/** The real application, with Stripe on the loopback interface. A given Stripe server is not stopped. */
export async function startAppWithStripe({
  stripe: given,
  environment,
  ...options
}: TestAppOptions & { stripe?: StripeServer } = {}): Promise<AppWithStripe> {
  const stripe = given ?? (await new StripeServer().start());
  const app = await startTestApp({
    ...options,
    environment: { STRIPE_API_BASE: stripe.url, STRIPE_ACCEPT_RESTRICTED_KEYS: 'true', ...environment },
  });
  const answers: string[] = [];
  return {
    ...app,
    stripe,
    account: stripe.accounts[0] ?? stripe.addAccount(),
    answers,
    send: (...request) =>
      app
        .send(...request)
        .on('response', ({ headers, text }) => answers.push(JSON.stringify(headers), String(text))),
    createProject: async (...given) => {
      const id = parseProjectId(await app.createProject(...given));
      if (!id) throw new Error('The id of the new project is no UUID.');
      return id;
    },
    close: async () => {
      try {
        await app.close();
      } finally {
        if (!given) await stripe.stop();
      }
    },
  };
}

const projectPath = (projectId: string) => configPath(projectId).replace(/\/config$/, '');
export const validatePath = (projectId: string) => `${projectPath(projectId)}/validate-credentials`;
export const statusPath = (projectId: string) => `${projectPath(projectId)}/config/status`;
export const endpointsPath = (projectId: string) => `${projectPath(projectId)}/webhook-endpoints`;

/** Places with a secret other than requests to Stripe: log, answers and database, in any encoding. */
export async function tracesOf(app: AppWithStripe, secret: string): Promise<string[]> {
  const bytes = Buffer.from(secret);
  const forms = [
    secret,
    encodeURIComponent(secret),
    bytes.toString('hex'),
    bytes.toString('base64').replace(/.{0,2}=*$/, ''),
  ];
  const isIn = (text: string) => forms.some((form) => text.includes(form));
  const tables = await Promise.all(
    (await tablesOf(app.database)).map(
      async (name) => [String(name), JSON.stringify(await rowsOf(app.database, String(name)))] as const,
    ),
  );
  return [
    ...(isIn(app.log.join('\n')) ? ['log'] : []),
    ...(isIn(app.answers.join('\n')) ? ['answers'] : []),
    ...tables.filter(([, text]) => isIn(text)).map(([name]) => `table ${name}`),
  ];
}
