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
