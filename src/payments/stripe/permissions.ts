/** Resources of restricted keys: names in Stripe's messages, and names in Stripe's dashboard. */
const NAMES = {
  charge: 'Charges',
  checkout_session: 'Checkout Sessions',
  customer: 'Customers',
  customer_portal: 'Customer portal',
  dispute: 'Disputes',
  event: 'Events',
  invoice: 'Invoices',
  payment_intent: 'PaymentIntents',
  plan: 'Prices',
  product: 'Products',
  subscription: 'Subscriptions',
  webhook: 'Webhook Endpoints',
} as const;
type Resource = keyof typeof NAMES;

export type Level = 'read' | 'write';
export type Permission = `rak_${Resource}_${Level}`;

/** Tasks of this service, with the permissions that a restricted key needs. */
export const PERMISSIONS_OF: Readonly<Record<string, readonly Permission[]>> = {
  'Receive events, and reconcile': [
    'rak_event_read',
    'rak_subscription_read',
    'rak_invoice_read',
    'rak_payment_intent_read',
    'rak_charge_read',
    'rak_dispute_read',
    'rak_checkout_session_read',
    'rak_customer_read',
    'rak_product_read',
  ],
  'Make webhook endpoints': ['rak_webhook_write'],
  'Start a checkout': [
    'rak_checkout_session_write',
    'rak_customer_write',
    'rak_plan_read',
    'rak_subscription_read',
  ],
  'Open the customer portal': ['rak_customer_portal_write'],
  'Cancel or change a subscription': ['rak_subscription_write', 'rak_plan_read'],
};

/** All needed permissions. Write includes read. */
function needed(): string[] {
  const all = new Set<string>(Object.values(PERMISSIONS_OF).flat());
  return [...all].filter(
    (permission) => permission.endsWith('_write') || !all.has(permission.replace(/_read$/, '_write')),
  );
}

/** Names of all needed permissions. */
export function neededPermissions(): string[] {
  return needed().map(permissionName).sort();
}

/**
 * The page of Stripe's dashboard that makes a restricted key, filled in with all needed permissions. The
 * console imports this file, so it imports none.
 */
export function restrictedKeyUrl(mode: 'test' | 'live', name: string): string {
  const url = new URL(`https://dashboard.stripe.com/${mode === 'test' ? 'test/' : ''}apikeys/create`);
  url.searchParams.append('name', name);
  for (const permission of needed()) url.searchParams.append('permissions[]', permission);
  return url.href;
}

/** @returns `Customers (read)` for `rak_customer_read`; Stripe's own words for an unknown resource */
export function permissionName(permission: string): string {
  const [, resource = permission, level = ''] = /^rak_([a-z_]+)_(read|write)$/.exec(permission) ?? [];
  const name = isResource(resource) ? NAMES[resource] : resource.replaceAll('_', ' ');
  return level === '' ? name : `${name} (${level})`;
}

function isResource(text: string): text is Resource {
  return Object.hasOwn(NAMES, text);
}
