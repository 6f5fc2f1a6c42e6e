import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { type RawAnswer, sendRaw } from './raw-http.js';
import { EchoServer } from './servers/echo-server.js';
import { configPath, startTestApp, type TestApp } from './test-app.js';

/** The stored key, in place of the gateway key. */
export const SECRET = `sk_test_${'s'.repeat(40)}`;
export const FORM = 'Content-Type: application/x-www-form-urlencoded';

export const gatewayKeysPath = (projectId: string) =>
  `/api/v1/payments/stripe/projects/${projectId}/gateway-keys`;

export interface IssuedKey {
  readonly id: string;
  readonly key: string;
}

export async function makeGatewayKey(
  app: TestApp,
  projectId: string,
  permissions: Record<string, string>,
  fields: object = {},
): Promise<IssuedKey> {
  const { body } = await app
    .send('post', gatewayKeysPath(projectId))
    .send({ name: 'A worker', mode: 'test', permissions, ...fields })
    .expect(201);
  return body as IssuedKey;
}

export function portOf({ app }: TestApp): number {
  return (app.getHttpServer().address() as AddressInfo).port;
}

/** The real SDK, as a tenant's service uses it. */
export function stripeThrough(port: number, key: string, options: Stripe.StripeConfig = {}): Stripe {
  return new Stripe(key, {
    host: '127.0.0.1',
    port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
    ...options,
  });
}

type Method = (...values: unknown[]) => unknown;

/** Calls each method of each resource of the SDK, with an id for each that it needs. Some make no request. */
export function* callsOf(stripe: object): Generator<() => unknown> {
  for (const [name, value] of Object.entries(stripe) as [string, Record<string, Method> | null][]) {
    if (name.startsWith('_') || name === 'stripe' || typeof value !== 'object' || value === null) continue;
    const type = Object.getPrototypeOf(value) as object;
    const parent = Object.getPrototypeOf(type) as object | null;
    if (parent?.constructor.name === 'StripeResource')
      for (const method of Object.getOwnPropertyNames(type)) {
        const call = value[method];
        if (method === 'constructor' || !call) continue;
        const ids = Array.from({ length: Math.max(call.length - 2, 0) }, () => 'id_1');
        const [parameters, options] = name === 'files' && method === 'create' ? [AN_UPLOAD] : [{}, A_VERSION];
        yield () => call.call(value, ...ids, parameters, options);
      }
    yield* callsOf(value);
  }
}

const AN_UPLOAD = { purpose: 'dispute_evidence', file: { data: 'a', name: 'a', type: 'text/plain' } };
/** Ephemeral keys need one. */
const A_VERSION = { apiVersion: '2026-10-28.endive' };

export const bearer = ({ key }: IssuedKey) => `Authorization: Bearer ${key}`;

export const errorOf = ({ body }: RawAnswer) => (JSON.parse(body) as { error: Record<string, string> }).error;

/** A gateway in front of a server that shows which bytes arrive. */
export class EchoedGateway {
  readonly stripe = new EchoServer();
  readonly echo = this.stripe.answer;
  app: TestApp;
  projectId: string;
  /** May do everything. */
  full: IssuedKey;
  /** May do everything with customers. */
  customers: IssuedKey;

  async start(environment: Record<string, string> = {}): Promise<void> {
    await this.stripe.start();
    this.app = await startTestApp({
      environment: {
        STRIPE_GATEWAY: 'true',
        STRIPE_API_BASE: this.stripe.url,
        STRIPE_GATEWAY_RATE: '0',
        STRIPE_GATEWAY_CONCURRENCY: '0',
        ...environment,
      },
    });
    this.projectId = await this.app.createProject();
    await this.app.send('put', configPath(this.projectId)).send({ test_secret_key: SECRET }).expect(200);
    this.full = await makeGatewayKey(this.app, this.projectId, { '*': 'write' });
    this.customers = await makeGatewayKey(this.app, this.projectId, { customers: 'write' });
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.stripe.stop();
  }

  reset(): void {
    this.stripe.answer = this.echo;
    this.stripe.requests.length = 0;
  }

  readonly send = (head: string, headers: string[] = [], body: string | Buffer = '', key = this.full) =>
    sendRaw(
      this.app,
      head,
      [bearer(key), ...(body.length > 0 ? [`Content-Length: ${body.length}`] : []), ...headers],
      body,
    );

  readonly received = () => this.stripe.requests.at(-1);
}
