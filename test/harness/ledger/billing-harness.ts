import type Stripe from 'stripe';
import { endUserId } from '../../../src/auth/caller.js';
import type { ProjectId } from '../../../src/common/ids.js';
import { LedgerService } from '../../../src/payments/ledger/ledger.service.js';
import type { StripeMode } from '../../../src/payments/stripe/stripe-mode.js';
import type { AppWithStripe } from '../app-with-stripe.js';
import { present } from '../stripe/present.js';
import { subscribe } from '../stripe/routes/subscription.routes.js';
import type { StripeAccount } from '../stripe/stripe-account.js';
import { configPath } from '../test-app.js';
import { endUserToken } from '../tokens.js';

const PATH = '/api/v1/payments/stripe';

/** Operations of an end user of one project. */
export interface BillingHarness {
  readonly projectId: ProjectId;
  readonly account: StripeAccount;
  get(operation: string, user?: string): ReturnType<AppWithStripe['send']>;
  post(operation: string, body: object, user?: string): ReturnType<AppWithStripe['send']>;
  /** Creates a subscription at Stripe and in the ledger. */
  subscribe(options?: {
    user?: string;
    prices?: string[];
    quantity?: number;
    customer?: string;
    trialDays?: number;
    fields?: Partial<Stripe.Subscription>;
  }): Promise<Stripe.Subscription>;
}

/** A project with keys of its own account in both modes. */
export async function openBillingHarness(
  app: AppWithStripe,
  account = app.stripe.addAccount(),
): Promise<BillingHarness> {
  const projectId = await app.createProject();
  const { keys } = account;
  const body = { test_secret_key: keys.test.secret, live_secret_key: keys.live.secret };
  await app.send('put', configPath(projectId)).send(body).expect(200);
  return {
    projectId,
    account,
    get: (operation, user) => app.send('get', `${PATH}/${operation}`, endUserToken(projectId, user)),
    post: (operation, sent, user) =>
      app.send('post', `${PATH}/${operation}`, endUserToken(projectId, user)).send(sent),
    subscribe: async ({
      user = 'user-1',
      prices = ['monthly'],
      quantity = 1,
      customer,
      trialDays = 0,
      fields = {},
    } = {}) => {
      const metadata = { user_id: endUserId(projectId, user), project_id: projectId };
      const items = prices.map((lookupKey) => ({ price: priceOf(account, lookupKey), quantity }));
      const owner = customer ?? account.test.create('customer', { metadata }).id;
      const subscription = subscribe(account.test, { customer: owner, items, metadata, trialDays });
      Object.assign(subscription, fields);
      await recordInLedger(app, projectId, subscription);
      return subscription;
    },
  };
}

/** Records the current state of a subscription or payment in the ledger. */
export async function recordInLedger(
  app: AppWithStripe,
  projectId: ProjectId,
  resource: Stripe.Subscription | Stripe.PaymentIntent,
): Promise<void> {
  const now = new Date(app.stripe.now() * 1_000);
  await app.app
    .get(LedgerService)
    .record({ projectId, mode: 'test' }, present(resource), { from: now, until: now });
}

export function priceOf(account: StripeAccount, lookupKey: string, mode: StripeMode = 'test'): Stripe.Price {
  const found = account[mode].all('price').find(({ lookup_key }) => lookup_key === lookupKey);
  if (!found) throw new Error(`There is no price ${lookupKey}.`);
  return found;
}
