import { isMeterEventStream, operationOf } from '../../../src/payments/gateway/gateway-permissions.js';
import {
  EchoedGateway,
  SECRET,
  makeGatewayKey,
  portOf,
  stripeThrough,
  callsOf,
} from '../../harness/gateway.js';

const gateway = new EchoedGateway();
const { stripe, received } = gateway;
let app: EchoedGateway['app'];
let projectId: string;

beforeAll(async () => {
  await gateway.start();
  ({ app, projectId } = gateway);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.reset());

describe('the Stripe SDK', () => {
  it('searches page by page, and expands what the key may read', async () => {
    const key = await makeGatewayKey(app, projectId, { customers: 'read', subscriptions: 'read' });
    stripe.answer = (request, response) => {
      const page = new URL(request.url ?? '', stripe.url).searchParams.get('page');
      response.setHeader('content-type', 'application/json').end(
        JSON.stringify({
          object: 'search_result',
          url: '/v1/customers/search',
          data: [{ id: `cus_${page ?? 'first'}`, object: 'customer' }],
          has_more: page === null,
          next_page: page === null ? 'second' : null,
        }),
      );
    };
    const { customers: found } = stripeThrough(portOf(app), key.key);
    const ids: string[] = [];
    const query = "email:'ada+1@example.com' AND metadata['a b']:'100%'";
    for await (const { id } of found.search({ query, expand: ['data.subscriptions'] })) ids.push(id);
    expect(ids).toEqual(['cus_first', 'cus_second']);
    for (const { url } of stripe.requests)
      expect(new URL(url, stripe.url).searchParams.get('query')).toBe(query);
    await expect(
      found.search({ query, expand: ['data.invoice_settings.default_payment_method'] }),
    ).rejects.toMatchObject({
      code: 'gateway_permission_missing',
      message: expect.stringContaining('"payment_methods": "read"') as string,
    });
  });

  it('names fields of an object of API v2 with include, which needs no other permission', async () => {
    const key = await makeGatewayKey(app, projectId, { 'core/accounts': 'read' });
    const { v2 } = stripeThrough(portOf(app), key.key);
    await v2.core.accounts.retrieve('acct_1', { include: ['identity', 'configuration.customer'] });
    expect(received()?.url).toBe(
      '/v2/core/accounts/acct_1?include[0]=identity&include[1]=configuration.customer',
    );
    await expect(v2.core.accounts.create({ include: ['identity'] })).rejects.toMatchObject({
      code: 'gateway_permission_missing',
    });
  });

  it('reaches Stripe by each of its methods, with permissions by name', async () => {
    const { port } = new URL(stripe.url);
    const heads = async (calls: Iterable<() => unknown>) => {
      const made: string[] = [];
      for (const call of calls) {
        stripe.requests.length = 0;
        // The answer has no list, and some methods make no request.
        await (async () => call())().catch(() => undefined);
        const [request] = stripe.requests;
        made.push(request ? `${request.method} ${request.url}` : '');
      }
      return made;
    };
    const direct = await heads(callsOf(stripeThrough(Number(port), SECRET)));
    const resources = direct.map((head) => {
      const [method = '', url = ''] = head.split(' ');
      return /^\/v\d/.test(url) && !isMeterEventStream(url) ? operationOf(method, url).resource : undefined;
    });
    const named = new Set(resources.filter((resource) => resource !== undefined));
    expect(named.size).toBeGreaterThan(100);
    expect([...named]).not.toContain('*');
    const key = await makeGatewayKey(
      app,
      projectId,
      Object.fromEntries([...named].map((resource) => [resource, 'write'])),
    );
    const passed = await heads(callsOf(stripeThrough(portOf(app), key.key)));
    expect(passed).toEqual(direct.map((head, nth) => (resources[nth] === undefined ? '' : head)));
  });
});
