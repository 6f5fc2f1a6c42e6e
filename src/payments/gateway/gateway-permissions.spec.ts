import fc from 'fast-check';
import {
  isAllowed,
  isMeterEventStream,
  isPlainPath,
  operationOf,
  PERMISSION_NAMES,
  resourcesOfExpansion,
} from './gateway-permissions.js';

describe('an operation', () => {
  it.each([
    ['GET', '/v1/customers', 'customers', 'read'],
    ['GET', '/v1/customers/cus_1', 'customers', 'read'],
    ['HEAD', '/v1/customers', 'customers', 'read'],
    ['POST', '/v1/customers/cus_1', 'customers', 'write'],
    ['DELETE', '/v1/customers/cus_1', 'customers', 'write'],
    ['GET', '/v1/customers/search', 'customers', 'read'],
    ['GET', '/v1/customers/cus_1/sources/card_1', 'customers', 'read'],
    ['POST', '/v1/checkout/sessions/cs_1/expire', 'checkout/sessions', 'write'],
    ['POST', '/v1/invoices/create_preview', 'invoices', 'write'],
    ['GET', '/v1/account', 'account', 'read'],
    ['GET', '/v1/apps/secrets/find', 'apps/secrets', 'read'],
    ['POST', '/v1/test_helpers/test_clocks/clock_1/advance', 'test_helpers/test_clocks', 'write'],
    ['GET', '/v2/core/events/evt_1', 'core/events', 'read'],
    ['POST', '/v2/billing/meter_events', 'billing/meter_events', 'write'],
    ['GET', '/v1/products/an%20id', 'products', 'read'],
  ])('%s %s needs %s: %s', (method, path, resource, action) => {
    expect(isPlainPath(path)).toBe(true);
    expect(operationOf(method, path)).toMatchObject({ resource, action });
  });

  it.each([
    ['GET', '/v1/invented'],
    ['GET', '/v1/customers/cus_1/invented'],
    ['GET', '/v1/customers/cus_1/subscriptions/sub_1'],
    ['PUT', '/v1/customers/cus_1'],
    ['HEAD', '/v1/invented'],
    ['OPTIONS', '/v1/customers'],
    ['GET', '/v1/Customers'],
    ['GET', '/v1/customer%73'],
    ['GET', '/v2/customers'],
  ])('that the table lacks needs everything: %s %s', (method, path) => {
    expect(operationOf(method, path)).toMatchObject({ resource: '*', action: 'write' });
  });

  it.each([
    ['POST', '/v1/files', 'files'],
    ['GET', '/v1/files/file_1/contents', 'files'],
    ['GET', '/v1/quotes/qt_1/pdf', 'files'],
    ['GET', '/v1/files', 'api'],
    ['POST', '/v1/file_links', 'api'],
  ])('%s %s is answered by the host %s', (method, path, host) => {
    expect(operationOf(method, path).host).toBe(host);
  });
});

it.each([
  '/v1//customers',
  '/v1/customers/',
  '/v1/customers/../charges',
  '/v1/./customers',
  '/v1/customers/%2e%2e/charges',
  '/v1/customers/.%2E/charges',
  '/v1/customers/a%2Fb',
  '/v1/customers/a%2fb',
  '/v1/customers%5c..%5ccharges',
  '/v1/customers\\..\\charges',
  '/v1/customers/..;/charges',
  '/v1/customers/a%252fb',
  '/v1/customers/a%00',
  '/v1/customers/a%0d%0aX:1',
  '/v1/customers/a%',
  '/v1/customers/a%zz',
  '/v1/customers/ü',
  '/v1/customers#',
  '/V1/customers',
  '/v3/customers',
  '/v1',
  '/v1/',
  '//evil.example/v1/customers',
  'http://evil.example/v1/customers',
  '/v1/http://evil.example',
])('refuses a path that servers read differently: %s', (path) => expect(isPlainPath(path)).toBe(false));

it.each([
  '/v2/billing/meter_event_session',
  '/v2/billing/meter_event_stream',
  '/v2/billing/Meter_Event_Session',
])('finds the meter event streams: %s', (path) => {
  expect(isMeterEventStream(path)).toBe(true);
  expect(isMeterEventStream(path.replace('event_s', 'event_%73'))).toBe(true);
});

it.each(['/v2/billing/meter_events', '/v1/billing/meter_event_adjustments'])('keeps %s', (path) =>
  expect(isMeterEventStream(path)).toBe(false),
);

describe('a permission', () => {
  it.each([
    [{}, 'customers', 'read', false],
    [{ customers: 'read' }, 'customers', 'read', true],
    [{ customers: 'read' }, 'customers', 'write', false],
    [{ customers: 'write' }, 'customers', 'read', true],
    [{ customers: 'write' }, 'charges', 'read', false],
    [{ '*': 'read' }, 'charges', 'read', true],
    [{ '*': 'read' }, '*', 'write', false],
    [{ '*': 'read', charges: 'write' }, 'charges', 'write', true],
    [{ '*': 'write' }, '*', 'write', true],
    [{ customers: 'write' }, 'constructor', 'read', false],
  ] as const)('%j allows %s: %s is %s', (permissions, resource, action, expected) => {
    expect(isAllowed(permissions, resource, action)).toBe(expected);
  });

  it('covers what the path before the first id says, whatever the ids are', () => {
    const names = PERMISSION_NAMES.filter((name) => name !== '*');
    const id = fc.stringMatching(/^[\w.~!$&'()*+,=:@%-]{1,12}$/);
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.array(id, { maxLength: 4 }), (name, ids) => {
        const path = ['/v1', name, ...ids].join('/');
        if (!isPlainPath(path)) return;
        const { resource } = operationOf('GET', path);
        expect(resource === '*' || path.startsWith(`/v1/${resource}`)).toBe(true);
      }),
    );
  });
});

describe('an expansion', () => {
  const needs = (objects: string[], expansion: string) =>
    [...resourcesOfExpansion(objects, expansion)].sort();

  it.each([
    ['charge', 'customer', ['customers']],
    ['charge', 'data.customer', ['customers']],
    ['charge', 'payment_intent.latest_charge.customer', ['charges', 'customers', 'payment_intents']],
    ['customer', 'invoice_settings.default_payment_method', ['payment_methods']],
    ['customer', 'invoice_settings', []],
    ['customer', 'subscriptions.data.latest_invoice', ['invoices', 'subscriptions']],
    ['price', 'product', ['products']],
    ['climate.order', 'product', ['climate/products']],
    ['subscription', 'items.data.price.product', ['products']],
    ['setup_intent', 'latest_attempt', ['setup_attempts']],
    ['customer', 'data.sources', ['accounts', 'customers', 'sources']],
    ['payout', 'destination', ['accounts']],
    ['account', 'external_accounts', ['accounts']],
    // Fields of former API versions.
    ['subscription', 'latest_invoice.payment_intent', ['invoices', 'payment_intents']],
    ['charge', 'dispute', ['disputes']],
    ['charge', 'invoice.subscription', ['invoices', 'subscriptions']],
    // Parts of the object itself.
    ['subscription', 'latest_invoice.confirmation_secret', ['invoices']],
    ['price', 'data.tiers', []],
    ['price', 'currency_options', []],
    ['product', 'default_price.currency_options', ['prices']],
    ['coupon', 'applies_to', []],
    ['customer', 'tax', []],
    ['checkout.session', 'total_details.breakdown', []],
    ['promotion_code', 'restrictions.currency_options', []],
    ['customer', 'total_count', []],
    ['customer', 'subscriptions.total_count', ['subscriptions']],
  ])('of %s by %s needs %j', (object, expansion, expected) => {
    expect(needs([object], expansion)).toEqual(expected);
  });

  it('needs every object that the field may have', () => {
    const resources = needs(['balance_transaction'], 'source');
    expect(resources).toEqual(expect.arrayContaining(['charges', 'payouts', 'refunds', 'transfers']));
  });

  it.each([
    'invented',
    'customer.invented',
    'Customer',
    'customer ',
    '',
    '.',
    'customer..',
    '*',
    'data.object.id',
  ])('needs everything if the table lacks it: %j', (expansion) =>
    expect(needs(['charge'], expansion)).toContain('*'),
  );

  it.each([
    // Other objects have a field of this name.
    ['charge', 'transaction'],
    ['charge', 'account'],
    ['charge', 'token'],
    ['customer', 'dispute'],
    ['customer', 'transaction'],
    ['invoice', 'token'],
    ['invoice', 'account'],
    ['charge', 'total_details'],
    // Stripe hides these, unless they are asked for.
    ['issuing.card', 'number'],
    ['issuing.card', 'cvc'],
    ['issuing.authorization', 'card.number'],
    ['apps.secret', 'payload'],
    ['identity.verification_session', 'verified_outputs'],
    ['identity.verification_session', 'verified_outputs.id_number'],
    ['identity.verification_report', 'document.number'],
    ['treasury.financial_account', 'financial_addresses.aba.account_number'],
  ])('of %s by %s needs everything', (object, expansion) =>
    expect(needs([object], expansion)).toEqual(['*']),
  );

  it('in events needs everything', () => {
    expect(needs(['event'], 'data.object')).toEqual(['*']);
    expect(needs(['event'], 'data.object.customer')).toEqual(['*']);
  });
});
