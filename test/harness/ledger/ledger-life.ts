import { endUserId } from '../../../src/auth/caller.js';
import type { ProjectId } from '../../../src/common/ids.js';
import type { States } from './ledger-harness.js';
import { failToRenew, payLate, renew } from '../stripe/life.js';
import { idOf } from '../stripe/resources.js';
import { pay, refund } from '../stripe/routes/payment.routes.js';
import { cancel, subscribe } from '../stripe/routes/subscription.routes.js';
import type { StripeData } from '../stripe/stripe-data.js';

const USER = 'user-1';

export const LIFECYCLE_LENGTH = 11;

/**
 * Lets everything happen to a subscription, or only the first steps, with its events.
 * @param tick called before each step
 */
export function simulateLifecycle(
  data: StripeData,
  tick: (step: number) => void = () => undefined,
  length = LIFECYCLE_LENGTH,
): void {
  const [price] = data.all('price').filter(({ lookup_key }) => lookup_key === 'monthly');
  if (!price) throw new Error('There is no monthly price.');
  const customer = data.create('customer', {}).id;
  const steps = [
    () => subscribe(data, { customer, items: [{ price, quantity: 1 }], metadata: {}, trialDays: 0 }),
    () => complete(),
    () =>
      data.change('customer.subscription.updated', subscription(), { cancel_at: data.site.now() + 1_000 }),
    () => data.change('customer.subscription.updated', subscription(), { cancel_at: null }),
    () => renew(data, subscription()),
    () => refund(data, chargeOf(0), { amount: 500 }),
    () => failToRenew(data, subscription()),
    () => pay(data, { amount: 700, currency: 'eur', customer, metadata: {} }),
    () => payLate(data, subscription(), lastInvoice()),
    () => refund(data, chargeOf(0), { amount: 1_500 }),
    () => cancel(data, subscription()),
  ];
  const subscription = () => data.get('subscription', own.subscription);
  const lastInvoice = () => data.get('invoice', idOf(subscription().latest_invoice));
  const chargeOf = (nth: number) => data.get('charge', own.charges[nth] ?? '');
  const own = { subscription: '', charges: [] as string[] };
  const complete = () => {
    const session = data.create('checkout.session', {
      ...{ mode: 'subscription', status: 'complete', payment_status: 'paid', amount_total: 2_000 },
      ...{ customer, subscription: own.subscription, client_reference_id: USER },
    });
    data.record('checkout.session.completed', session);
  };
  steps.slice(0, length).forEach((step, index) => {
    tick(index);
    step();
    own.subscription ||= data.all('subscription')[0]?.id ?? '';
    if (own.charges.length === 0)
      own.charges = data
        .all('charge')
        .slice(0, 1)
        .map(({ id }) => id);
  });
}

/** The expected ledger after all events, derived from Stripe's objects. */
export function expectedStates(projectId: ProjectId, data: StripeData): States {
  const user = endUserId(projectId, USER);
  const time = (seconds: number | null | undefined) =>
    seconds ? new Date(seconds * 1_000).toISOString() : null;
  const invoiceOf = (intent: string) =>
    data.all('invoice_payment').find(({ payment }) => payment.payment_intent === intent)?.invoice;
  const byId = (column: string) => (one: Record<string, unknown>, other: Record<string, unknown>) =>
    String(one[column]) < String(other[column]) ? -1 : 1;
  return {
    subscriptions: data
      .all('subscription')
      .map((subscription) => ({
        subscription_id: subscription.id,
        user_id: user,
        customer_id: subscription.customer,
        status: subscription.status,
        price_id: subscription.items.data[0]?.price.id,
        plan_name: 'Monthly',
        quantity: 1,
        current_period_start: time(subscription.items.data[0]?.current_period_start),
        current_period_end: time(subscription.items.data[0]?.current_period_end),
        cancel_at: time(subscription.cancel_at),
        cancelled_at: time(subscription.canceled_at),
        created_at: time(subscription.created),
      }))
      .sort(byId('subscription_id')),
    payments: data
      .all('payment_intent')
      .map((intent) => {
        const refunded =
          data.all('charge').find(({ payment_intent }) => payment_intent === intent.id)?.amount_refunded ?? 0;
        const invoice = invoiceOf(intent.id);
        return {
          payment_intent_id: intent.id,
          user_id: user,
          customer_id: intent.customer,
          status:
            refunded === 0 ? intent.status : refunded < intent.amount ? 'partially_refunded' : 'refunded',
          amount_cents: intent.amount,
          currency: intent.currency,
          source: 'stripe',
          refunded_amount_cents: refunded,
          created_at: time(intent.created),
          subscription: invoice
            ? idOf(data.get('invoice', idOf(invoice)).parent?.subscription_details?.subscription)
            : null,
        };
      })
      .sort(byId('payment_intent_id')),
  };
}
