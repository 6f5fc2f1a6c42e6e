import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import type { TestApp } from './test-app.js';

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
