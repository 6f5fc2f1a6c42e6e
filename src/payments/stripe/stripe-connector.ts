import { Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import type { Secret } from '../../common/secret.js';
import { VERSION } from '../../config/settings.js';
import { Settings } from '../../config/settings.js';
import { PaymentsEvents } from '../payments-events.js';
import { type AnswerListener, StrictHttpClient } from './strict-http-client.js';

/** Range in which an answer was true, by Stripe's clock in whole seconds. Both ends are included. */
export interface AnswerTime {
  readonly from: Date;
  readonly until: Date;
}

interface Timed<T> {
  readonly answer: Stripe.Response<T>;
  /** `undefined` if the answer has no `Date`. */
  readonly time: AnswerTime | undefined;
}

/** Times a call. Its answer was true between the start of the call and the answer's `Date`. */
export async function timed<T>(call: () => Promise<Stripe.Response<T>>): Promise<Timed<T>> {
  const started = performance.now();
  const answer = await call();
  const until = new Date(answer.lastResponse.headers['date'] ?? NaN);
  if (Number.isNaN(until.getTime())) return { answer, time: undefined };
  const from = until.getTime() - (performance.now() - started);
  return { answer, time: { from: new Date(Math.floor(from / 1_000) * 1_000), until } };
}

/** Pinned, because accounts have different default versions and our code reads the shapes of this one. */
export const STRIPE_API_VERSION = '2026-10-28.endive' satisfies Stripe.LatestApiVersion;

const TIMEOUT_MS = 10_000;
const RETRIES = 2;

interface ConnectOptions {
  timeoutMs?: number;
  retries?: number;
  onAnswer?: AnswerListener;
}

/** Creates every Stripe client. Reveals the key, as eslint's `REVEALING` list permits. */
@Injectable()
export class StripeConnector {
  #http: Stripe.StripeConfig['httpClient'];

  constructor(
    private readonly settings: Settings,
    private readonly events: PaymentsEvents,
  ) {}

  /** @param key secret or restricted key. Only Stripe's address gets it: the SDK follows no redirects. */
  async connect(
    key: Secret,
    { timeoutMs = TIMEOUT_MS, retries = RETRIES, onAnswer = () => undefined }: ConnectOptions = {},
  ): Promise<Stripe> {
    // Loaded on demand, to save memory in servers that only store keys.
    const { default: StripeClient } = await import('stripe');
    // An authenticator hides the key from `util.inspect` of the client.
    const authenticator: Stripe.StripeConfig['authenticator'] = async ({ headers }) => {
      headers['Authorization'] = `Bearer ${key.reveal()}`;
    };
    this.#http ??= StripeClient.createNodeHttpClient();
    return new StripeClient('', {
      authenticator,
      httpClient: new StrictHttpClient(this.#http, onAnswer, (outcome) =>
        this.events.emit('stripe.called', { outcome }),
      ),
      apiVersion: STRIPE_API_VERSION,
      appInfo: { name: 'Tillkeeper', version: VERSION },
      timeout: timeoutMs,
      maxNetworkRetries: retries,
      telemetry: false,
      ...address(this.settings.stripeApiBase),
    });
  }
}

function address(base: string | undefined): { host?: string; port?: string; protocol?: 'http' | 'https' } {
  if (base === undefined) return {};
  const { hostname, port, protocol } = new URL(base);
  const scheme = protocol === 'http:' ? 'http' : 'https';
  return { host: hostname, port: port || (scheme === 'http' ? '80' : '443'), protocol: scheme };
}
