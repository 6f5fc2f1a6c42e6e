import { permissionName } from './permission-names.js';

describe('permissionName', () => {
  it.each([
    ['rak_customer_read', 'Customers (read)'],
    ['rak_webhook_write', 'Webhook Endpoints (write)'],
    ['rak_payment_link_write', 'payment link (write)'],
    ['rak_constructor_read', 'constructor (read)'],
    ['rak_something', 'rak something'],
  ])('of %s is what people see at Stripe: %s', (permission, name) => {
    expect(permissionName(permission)).toBe(name);
  });
});
