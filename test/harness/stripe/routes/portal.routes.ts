import type Stripe from 'stripe';
import { badRequest } from '../refusals.js';
import { customerFrom } from './customer.routes.js';
import { list, retrieve, route } from '../router.js';
import type { StripeData } from '../stripe-data.js';

export const portalRoutes = [
  list('billing_portal.configuration', '/v1/billing_portal/configurations', 'rak_customer_portal_read', {
    active: ({ active }) => active,
    is_default: ({ is_default }) => is_default,
  }),
  retrieve('billing_portal.configuration', '/v1/billing_portal/configurations', 'rak_customer_portal_read'),
  route(
    'POST',
    '/v1/billing_portal/sessions',
    'rak_customer_portal_write',
    ['customer', 'customer_account', 'return_url', 'configuration'],
    ({ data, params }) => {
      const customer =
        customerFrom({ data, params }) ?? data.get('customer', params.required('customer'), 'customer');
      const configuration = params.text('configuration');
      const used = configuration
        ? data.get('billing_portal.configuration', configuration, 'configuration')
        : defaultOf(data);
      const session = data.create('billing_portal.session', {
        customer: customer.id,
        configuration: used.id,
        return_url: params.url('return_url') ?? used.default_return_url,
      });
      session.url = `${data.site.url}/portal/${session.id}`;
      return session;
    },
  ),
];

function defaultOf(data: StripeData): Stripe.BillingPortal.Configuration {
  const found = data.all('billing_portal.configuration').find(({ is_default }) => is_default);
  if (found) return found;
  throw badRequest(
    `No configuration provided and your ${data.mode} mode default configuration has not been created. Provide a configuration or create your default by saving your customer portal settings in ${data.mode} mode at https://dashboard.stripe.com/test/settings/billing/portal.`,
  );
}

/** A configured portal. Delete the configuration for one that was never set up. */
export function seedPortal(data: StripeData): void {
  const now = data.site.now();
  data.create('billing_portal.configuration', {
    object: 'billing_portal.configuration',
    active: true,
    application: null,
    business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
    default_return_url: null,
    is_default: true,
    livemode: data.livemode,
    login_page: { enabled: false, url: null },
    metadata: {},
    name: null,
    updated: now,
    features: {
      customer_update: { allowed_updates: ['email', 'tax_id'], enabled: true },
      invoice_history: { enabled: true },
      payment_method_update: { enabled: true, payment_method_configuration: null },
      subscription_cancel: {
        cancellation_reason: { enabled: false, feedback_options: [], options: [] },
        enabled: true,
        mode: 'at_period_end',
        proration_behavior: 'none',
      },
      subscription_pause: { enabled: false, duration: { interval_options: [], type: 'indefinite' } },
      subscription_update: {
        billing_cycle_anchor: null,
        default_allowed_updates: [],
        enabled: false,
        proration_behavior: 'none',
        schedule_at_period_end: { conditions: [] },
        trial_update_behavior: 'end_trial',
      },
    },
  });
}
