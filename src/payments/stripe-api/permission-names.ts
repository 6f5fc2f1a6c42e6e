/** What a restricted key may be allowed to use: as Stripe's messages call it, and as its page for such keys does. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['charge', 'Charges'],
  ['checkout_session', 'Checkout Sessions'],
  ['customer', 'Customers'],
  ['customer_portal', 'Customer portal'],
  ['event', 'Events'],
  ['invoice', 'Invoices'],
  ['payment_intent', 'PaymentIntents'],
  ['plan', 'Prices'],
  ['product', 'Products'],
  ['subscription', 'Subscriptions'],
  ['webhook', 'Webhook Endpoints'],
]);

/** @returns `Customers (read)` of `rak_customer_read`; what we don't know by name is called as Stripe calls it, in words */
export function permissionName(permission: string): string {
  const [, subject = permission, level = ''] = /^rak_([a-z_]+)_(read|write)$/.exec(permission) ?? [];
  const name = NAMES.get(subject) ?? subject.replaceAll('_', ' ');
  return level === '' ? name : `${name} (${level})`;
}
