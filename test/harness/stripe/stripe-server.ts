import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { text } from 'node:stream/consumers';
import type Stripe from 'stripe';
import type { Fault } from './faults.js';
import type { Answer } from './idempotency.js';
import { type KeyState, KeyRing } from './keys.js';
import { type Kind, newId, type StripeEvent } from './resources.js';
import { complete } from './routes/checkout.routes.js';
import { StripeAccount } from './stripe-account.js';
import { type RecordedRequest, StripeApi, versionOf } from './stripe-api.js';
import type { Site, StripeData } from './stripe-data.js';
import { stripeSignature } from './webhook-signature.js';

export interface Delivery {
  readonly endpoint: string;
  readonly status: number;
  readonly body: string;
}

/** The used part of Stripe's API, over HTTP on the loopback interface and with state, for the real SDK. */
export class StripeServer implements Site {
  readonly requests: RecordedRequest[] = [];
  readonly accounts: StripeAccount[] = [];
  /** Seconds since 1970; a test may set the time. */
  now = (): number => Math.floor(Date.now() / 1000);
  /** Called for each new event. */
  announce: (event: StripeEvent) => void = () => undefined;
  private readonly ring = new KeyRing();
  private readonly api = new StripeApi(this.ring);
  private faults: { fault: Fault; on?: string | RegExp; times: number }[] = [];
  private port = 0;
  private readonly server: Server = createServer((request, response) => {
    this.handle(request, response).catch((error: unknown) => {
      const body = {
        error: {
          type: 'api_error',
          message: `This Stripe is only a stand-in, and it is wrong: ${String(error)}`,
        },
      };
      response.writeHead(500, { 'stripe-should-retry': 'false' }).end(JSON.stringify(body));
    });
  });

  async start(port = 0): Promise<this> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    const address = this.server.address();
    if (typeof address === 'object' && address) this.port = address.port;
    return this;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  addAccount(identity?: { id?: string; name?: string }): StripeAccount {
    const account = new StripeAccount(this.accounts.length, this, this.ring, identity);
    this.accounts.push(account);
    return account;
  }

  mark(key: string, state: KeyState): void {
    this.ring.mark(key, state);
  }

  /** Lets the next requests fail: all, or those to `on` (`POST /v1/customers`, or a pattern). */
  fail(fault: Fault, { on, times = 1 }: { on?: string | RegExp; times?: number } = {}): void {
    this.faults.push({ fault, on, times });
  }

  /** Removes all faults. */
  heal(): void {
    this.faults = [];
  }

  /** Pays a checkout: creates customer, subscription, invoice, payment and their events. */
  completeCheckout(sessionId: string): Stripe.Checkout.Session {
    const data = this.dataWith('checkout.session', sessionId);
    return complete(data, data.get('checkout.session', sessionId));
  }

  /**
   * Delivers an event to the subscribed endpoints of the account, signed with their secrets or as the options
   * say.
   */
  async deliver(
    event: StripeEvent,
    { secret, timestamp = this.now() }: { secret?: string; timestamp?: number } = {},
  ): Promise<Delivery[]> {
    const data = this.dataWith('event', event.id);
    return Promise.all(
      data.listeners(event.type).map(async ({ id, url, api_version: version }) => {
        const body = JSON.stringify({ ...event, api_version: version ?? event.api_version }, null, 2);
        const signature = stripeSignature(body, secret ?? data.webhookSecrets.get(id) ?? '', timestamp);
        const headers = {
          'content-type': 'application/json; charset=utf-8',
          'stripe-signature': signature,
          'user-agent': 'Stripe/1.0',
        };
        const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual' });
        if (answer.ok) event.pending_webhooks -= 1;
        return { endpoint: id, status: answer.status, body: await answer.text() };
      }),
    );
  }

  private dataWith(kind: Kind, id: string): StripeData {
    const found = this.accounts.flatMap(({ test, live }) => [test, live]).find((data) => data.has(kind, id));
    if (!found) throw new Error(`There is no ${kind} ${id}`);
    return found;
  }

  private async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = incoming;
    const [path = '', query = ''] = url.split('?', 2);
    const request = { method, path, query, headers, body: await text(incoming) };
    const requestId = newId('request');
    const send = ({ status, headers: own, body }: Answer) => {
      response.writeHead(status, { ...this.commonHeaders(headers, requestId), ...own }).end(body);
    };
    if (path.startsWith('/pay/')) return send(this.pay(path.slice('/pay/'.length)));
    this.requests.push(request);
    const perform = (hold?: Promise<unknown>) => this.api.answer(request, requestId, hold);
    const fault = this.nextFault(`${method} ${path}`);
    if (fault) await fault({ response, perform, send });
    else send(await perform());
  }

  private nextFault(endpoint: string): Fault | undefined {
    const next = this.faults.find(
      ({ on, times }) =>
        times > 0 && (on instanceof RegExp ? on.test(endpoint) : on === undefined || on === endpoint),
    );
    if (next) next.times -= 1;
    return next?.fault;
  }

  private commonHeaders(sent: IncomingHttpHeaders, requestId: string): Record<string, string> {
    const key = sent['idempotency-key'];
    return {
      'content-type': 'application/json',
      date: new Date(this.now() * 1000).toUTCString(),
      'request-id': requestId,
      'stripe-version': versionOf(sent),
      ...(typeof key === 'string' && { 'idempotency-key': key }),
    };
  }

  /** The page of a checkout session's `url`. Opening it pays. */
  private pay(sessionId: string): Answer {
    const { success_url: url } = this.completeCheckout(sessionId);
    return {
      status: 302,
      headers: { location: url?.replace('{CHECKOUT_SESSION_ID}', sessionId) ?? '/' },
      body: '',
    };
  }
}
