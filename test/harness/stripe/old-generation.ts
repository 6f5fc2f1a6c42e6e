import type Stripe from 'stripe';
import type { StripeEvent } from './resources.js';
import type { StripeData } from './stripe-data.js';

const VERSION = '2020-08-27';

type Fields = Record<string, unknown>;

/** The event in an API version from before 2025, with the moved fields in their former places. */
export function asOldGeneration(data: StripeData, event: StripeEvent): StripeEvent {
  const object = event.data.object as Fields;
  return { ...event, api_version: VERSION, data: { object: { ...object, ...movedBack(data, object) } } };
}

function movedBack(data: StripeData, object: Fields): Fields {
  switch (object['object']) {
    case 'subscription': {
      const items = object['items'] as Stripe.ApiList<Stripe.SubscriptionItem>;
      const [first] = items.data;
      return {
        current_period_start: first?.current_period_start,
        current_period_end: first?.current_period_end,
        items: {
          ...items,
          data: items.data.map((item) => ({
            ...item,
            current_period_start: undefined,
            current_period_end: undefined,
          })),
        },
        plan: first?.plan,
        quantity: first?.quantity,
      };
    }
    case 'invoice': {
      const parent = object['parent'] as Stripe.Invoice.Parent | null;
      const [payment] = data.all('invoice_payment').filter(({ invoice }) => invoice === object['id']);
      const intent = payment?.payment.payment_intent ?? null;
      const charge = data.all('charge').find(({ payment_intent }) => payment_intent === intent);
      return {
        parent: undefined,
        paid: object['status'] === 'paid',
        paid_out_of_band: false,
        payment_intent: intent,
        charge: intent && charge ? charge.id : null,
        subscription: parent?.subscription_details?.subscription ?? null,
      };
    }
    default:
      return {};
  }
}
