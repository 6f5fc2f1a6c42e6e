import { Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import type { Secret } from '../../common/secret.js';
import { VERSION } from '../../config/settings.js';
import { Settings } from '../../config/settings.js';
import { PaymentsEvents } from '../payments-events.js';
import { type AnswerListener, StrictHttpClient } from './strict-http-client.js';

/**
 * When what an answer says was so, by Stripe's clock, in whole seconds: not before `from`, and not after
 * `until`.
 */
export interface AnswerTime {
  readonly from: Date;
  readonly until: Date;
}

interface Timed<T> {
  readonly answer: Stripe.Response<T>;
  /** `undefined` where the answer has no `Date`. */
  readonly time: AnswerTime | undefined;
}

/**
 * Makes a call. What it answers was so after the call began, however long the answer was on its way, and
 * before the `Date` that came with it.
 */
export async function timed<T>(call: () => Promise<Stripe.Response<T>>): Promise<Timed<T>> {
  const started = performance.now();
  const answer = await call();
  const until = new Date(answer.lastResponse.headers['date'] ?? NaN);
  if (Number.isNaN(until.getTime())) return { answer, time: undefined };
  const from = until.getTime() - (performance.now() - started);
  return { answer, time: { from: new Date(Math.floor(from / 1_000) * 1_000), until } };
}

/**
 * Pinned: the shapes that we read and write are this version's, whatever version an account has by default.
 */
export const STRIPE_API_VERSION = '2026-10-28.endive' satisfies Stripe.LatestApiVersion;

const TIMEOUT_MS = 10_000;
const RETRIES = 2;

interface ConnectOptions {
  timeoutMs?: number;
  retries?: number;
  onAnswer?: AnswerListener;
}

/** The only place that makes a Stripe client, and one of two where a secret is revealed. */
@Injectable()
export class StripeConnector {
  #http: Stripe.StripeConfig['httpClient'];

  constructor(
    private readonly settings: Settings,
    private readonly events: PaymentsEvents,
  ) {}

  /**
   * @param key a secret or restricted key; it travels to Stripe's address and nowhere else: the SDK follows
   * no redirect
   */
  async connect(
    key: Secret,
    { timeoutMs = TIMEOUT_MS, retries = RETRIES, onAnswer = () => undefined }: ConnectOptions = {},
  ): Promise<Stripe> {
    // Loaded with the first client: a server that only keeps keys does without its memory.
    const { default: StripeClient } = await import('stripe');
    // Not as the key: the SDK would keep that where `util.inspect` of the client shows it.
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
