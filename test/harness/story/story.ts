import { setTimeout as wait } from 'node:timers/promises';
import createClient from 'openapi-fetch';
import { addPrice } from '../stripe/routes/catalog.routes.js';
import type { StripeServer } from '../stripe/stripe-server.js';
import type { paths } from '../../../packages/client/src/api.js';
import type { Application } from './application.js';

/** Reports a step of the story. */
export type Teller = (sentence: string) => void;

const PATIENCE_MS = 15_000;

/**
 * A developer registers; a customer subscribes, pays, changes plans, cancels and gets a refund. Uses a client
 * that is generated from our document, and a Stripe that sends events.
 * @param baseUrl where the service answers, and Stripe reaches it
 * @param application gets an event
 * @returns the statistics at the end
 */
export async function tellStory(
  baseUrl: string,
  stripe: StripeServer,
  tell: Teller,
  application: Application,
) {
  const api = createClient<paths>({ baseUrl });
  const account = stripe.addAccount({ name: 'Corner shop' });
  const basic = account.test.all('price').find(({ nickname }) => nickname === 'Monthly');
  if (!basic) throw new Error('Stripe has nothing to sell.');
  const pro = addPrice(
    account.test,
    { product: basic.product, nickname: 'Pro', unit_amount: 4_900 },
    'month',
  );
  stripe.announce = (event) => void stripe.deliver(event);

  const email = `ada-${Date.now()}@example.com`;
  const password = 'correct horse battery staple';
  await answered(api.POST('/api/v1/auth/register', { body: { email, password, full_name: 'Ada' } }));
  const { access_token: developer } = await answered(
    api.POST('/api/v1/auth/login', { body: { email, password } }),
  );
  const asDeveloper = { headers: { authorization: `Bearer ${developer}` } };
  tell(`Ada registers as ${email} and logs in.`);

  const { id } = await answered(
    api.POST('/api/v1/projects/', { ...asDeveloper, body: { name: 'Corner shop' } }),
  );
  const path = { project_id: id };
  const { key, name } = await answered(
    api.POST('/api/v1/projects/{project_id}/service-accounts', {
      ...asDeveloper,
      params: { path },
      body: { name: 'Corner shop backend', role: 'admin' },
    }),
  );
  const asBackend = { headers: { authorization: `Bearer ${key}` } };
  tell(`She makes the service account "${name}", with which her server does everything from now on.`);

  const config = await answered(
    api.PUT('/api/v1/payments/stripe/projects/{project_id}/config', {
      ...asBackend,
      params: { path, query: { validate: true } },
      body: {
        test_secret_key: account.keys.test.secret,
        test_publishable_key: account.keys.test.publishable,
      },
    }),
  );
  tell(
    `Her project gets its Stripe keys, which Stripe accepts; from now on they are ${config.test_secret_key_masked}.`,
  );

  const endpoint = await answered(
    api.POST('/api/v1/payments/stripe/projects/{project_id}/webhook-endpoints', {
      ...asBackend,
      params: { path },
      body: { mode: 'test' },
    }),
  );
  tell(`Stripe is told where to call: ${endpoint.url} for ${endpoint.events.length} kinds of events.`);

  const { secret } = await answered(
    api.POST('/api/v1/payments/stripe/projects/{project_id}/event-destinations', {
      ...asBackend,
      params: { path },
      body: { url: application.url, event_types: ['payment.refunded'] },
    }),
  );
  application.trust(secret);
  tell(`Her own program, at ${application.url}, will hear of refunds.`);

  const { access_token: user } = await answered(
    api.POST('/api/v1/projects/{project_id}/end-user-tokens', {
      ...asBackend,
      params: { path },
      body: { user_id: 'grace' },
    }),
  );
  const asUser = { headers: { authorization: `Bearer ${user}` } };
  const checkout = await answered(
    api.POST('/api/v1/payments/stripe/checkout-session', {
      ...asUser,
      body: {
        price_id: basic.id,
        success_url: 'https://shop.example.com/thanks',
        cancel_url: 'https://shop.example.com/',
      },
    }),
  );
  tell(
    `Grace, a customer of the project, gets a token and is sent to Stripe's checkout, session ${checkout.session_id}.`,
  );

  stripe.completeCheckout(checkout.session_id);
  const mine = () => answered(api.GET('/api/v1/payments/stripe/my-subscription', asUser));
  const paid = () => answered(api.GET('/api/v1/payments/stripe/my-payments', asUser));
  const subscribed = await until(mine, (subscription) => subscription?.status === 'active');
  const { payments } = await until(
    paid,
    ({ payments: [first] }) => first?.status === 'succeeded' && first.subscription_id !== null,
  );
  tell(
    `She pays, Stripe calls: her subscription is ${subscribed?.status}, with ${payments.length} payment of ${payments[0]?.amount_cents} cents.`,
  );

  await answered(
    api.POST('/api/v1/payments/stripe/update-subscription', { ...asUser, body: { new_price_id: pro.id } }),
  );
  const upgraded = await until(mine, (subscription) => subscription?.plan_name === 'Pro');
  tell(`She upgrades to ${upgraded?.plan_name}.`);

  const cancelled = await answered(
    api.POST('/api/v1/payments/stripe/cancel-subscription', {
      ...asUser,
      body: { cancel_immediately: true },
    }),
  );
  await until(mine, (subscription) => subscription?.status === 'canceled');
  tell(`She cancels; Stripe says the subscription is ${cancelled.status}.`);

  const intent = payments[0]?.payment_intent_id ?? '';
  await refundAtStripe(stripe, account.keys.test.secret, intent);
  await until(
    paid,
    ({ payments: list }) =>
      list.find(({ payment_intent_id: each }) => each === intent)?.status === 'refunded',
  );
  tell('Ada gives her the money back in the dashboard, and the payment is refunded here as well.');
  tell(`Her program hears of it, in a signed event: ${await application.heard()}.`);

  const stats = await answered(
    api.GET('/api/v1/payments/stats', { ...asBackend, params: { query: { test_mode: true } } }),
  );
  const { payments: all } = await answered(api.GET('/api/v1/payments/transactions', asBackend));
  tell(
    `The books: ${stats.total_payments} payments, ${stats.total_revenue_cents} cents of ${stats.currency} taken, ${stats.net_revenue_cents} kept, ${stats.active_subscriptions} active subscriptions.`,
  );
  return { stats, payments: all };
}

/** The body of a good answer. */
async function answered<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok || data === undefined)
    throw new Error(`${response.url} answered ${response.status}: ${JSON.stringify(error)}`);
  return data;
}

/** Repeats the request until the effect of Stripe's events is visible. */
async function until<T>(ask: () => Promise<T>, isThere: (answer: T) => boolean): Promise<T> {
  for (const end = Date.now() + PATIENCE_MS; ; await wait(50)) {
    const answer = await ask();
    if (isThere(answer)) return answer;
    if (Date.now() > end) throw new Error(`It stayed at ${JSON.stringify(answer)}.`);
  }
}

async function refundAtStripe(stripe: StripeServer, key: string, payment_intent: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}` };
  const answer = await fetch(`${stripe.url}/v1/refunds`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ payment_intent }),
  });
  if (!answer.ok) throw new Error(`The refund failed: ${await answer.text()}`);
}
