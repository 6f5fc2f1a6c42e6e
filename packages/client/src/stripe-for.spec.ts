import { stripeFor } from './stripe-for.js';

const KEY = `tkg_test_${'a'.repeat(49)}`;
const fieldsOf = (baseUrl: string) => {
  const stripe = stripeFor({ baseUrl, gatewayKey: KEY, maxNetworkRetries: 5 });
  const fields = ['host', 'port', 'protocol', 'maxNetworkRetries'] as const;
  return fields.map((name): unknown => stripe.getApiField(name));
};

it.each<[string, string, number, string]>([
  ['https://pay.example.com', 'pay.example.com', 443, 'https'],
  ['https://pay.example.com:8443/', 'pay.example.com', 8443, 'https'],
  ['http://127.0.0.1:3000', '127.0.0.1', 3000, 'http'],
  ['http://gateway', 'gateway', 80, 'http'],
  ['http://[::1]:3000', '::1', 3000, 'http'],
])('takes the address %s', (baseUrl, host, port, protocol) => {
  expect(fieldsOf(baseUrl)).toEqual([host, port, protocol, 5]);
});

it.each([
  '',
  'pay.example.com',
  'ftp://pay.example.com',
  'https://pay.example.com/stripe',
  'https://a@pay.example.com',
  'https://api.stripe.com',
  'https://FILES.stripe.com.',
])('refuses the address %j', (baseUrl) => {
  expect(() => stripeFor({ baseUrl, gatewayKey: KEY })).toThrow(/^baseUrl must/);
});

it("refuses Stripe's own keys, without repeating them", () => {
  const gatewayKey = `sk_test_${'s'.repeat(24)}`;
  expect(() => stripeFor({ baseUrl: 'https://pay.example.com', gatewayKey })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('ssss') as string }),
  );
});
