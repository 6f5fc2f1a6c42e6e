import { randomBytes } from 'node:crypto';
import Stripe from 'stripe';
import type { Answer, ServerProcess } from '../servers/server-process.js';
import type { TestApp } from '../test-app.js';

export interface EventBody {
  id: string;
  type: string;
  [field: string]: unknown;
}

/** An event without an effect, with a new id. */
export function anEvent(fields: Partial<EventBody> = {}): EventBody {
  return {
    id: `evt_${randomBytes(12).toString('hex')}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: Math.floor(Date.now() / 1000),
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: 'customer.updated',
    data: { object: { id: 'cus_aaaaaaaaaaaaaa', object: 'customer', email: 'somebody@example.com' } },
    ...fields,
  };
}

/** A succeeded payment. Its event is complete, so Stripe is not asked. */
export function aPayment(fields: Partial<EventBody> = {}): EventBody {
  const event = anEvent(fields);
  const object = {
    id: event.id.replace('evt_', 'pi_'),
    object: 'payment_intent',
    amount: 1_000,
    amount_received: 1_000,
    currency: 'usd',
    customer: null,
    created: event['created'],
    description: null,
    livemode: event['livemode'],
    metadata: {},
    status: 'succeeded',
  };
  return { ...event, type: 'payment_intent.succeeded', data: { object } };
}

/** A paid invoice in the form since 2025, without its payments: Stripe has to be asked. */
export function aPaidInvoice(fields: Partial<EventBody> = {}): EventBody {
  const event = anEvent(fields);
  const object = {
    id: event.id.replace('evt_', 'in_'),
    object: 'invoice',
    amount_due: 1_000,
    // Paid in cash, so Stripe lists no payment.
    amount_paid: 0,
    total: 1_000,
    currency: 'usd',
    customer: null,
    created: event['created'],
    lines: { object: 'list', data: [], has_more: false },
    parent: null,
    status: 'paid',
    status_transitions: { finalized_at: event['created'], paid_at: event['created'] },
  };
  return { ...event, type: 'invoice.paid', data: { object } };
}

/** `Stripe-Signature`, made by Stripe's own code. @param timestamp seconds since 1970 */
export function signatureOf(
  payload: string,
  secret: string,
  timestamp = Math.floor(Date.now() / 1000),
): string {
  return Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
}

export const receiverPath = (projectId: string, mode: string): string =>
  `/api/v1/payments/stripe/webhooks/${projectId}/${mode}`;

interface Signing {
  mode?: string;
  /** Seconds since 1970. */
  timestamp?: number;
}

const toText = (event: unknown): string =>
  typeof event === 'string' ? event : JSON.stringify(event, null, 2);

/** Sends an event as Stripe would. @param event a string is sent unchanged */
export function deliver(
  app: TestApp,
  projectId: string,
  secret: string,
  event: unknown,
  { mode = 'test', timestamp }: Signing = {},
) {
  const payload = toText(event);
  return app
    .send('post', receiverPath(projectId, mode), null)
    .set('content-type', 'application/json; charset=utf-8')
    .set('stripe-signature', signatureOf(payload, secret, timestamp))
    .send(payload);
}

/** Sends an event to a server process. */
export function deliverTo(
  server: ServerProcess,
  projectId: string,
  secret: string,
  event: unknown,
  mode = 'test',
): Promise<Answer> {
  const body = toText(event);
  const headers = { 'stripe-signature': signatureOf(body, secret) };
  return server.send('POST', receiverPath(projectId, mode), { token: null, body, headers });
}
