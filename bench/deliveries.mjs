// A stream of webhook deliveries: new events, repeated ones and forged ones.
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { projectId } from './requests.mjs';

export const WEBHOOK_SECRET = `whsec_${'B'.repeat(32)}`;

/** Shares of 100 deliveries. */
const MIX = { new: 70, duplicate: 20, forged: 10 };
export const MIX_IN_WORDS = `${MIX.new} % new events, ${MIX.duplicate} % that were delivered before, ${MIX.forged} % with a wrong signature`;

/** Maximum number of deliveries that can be repeated. */
const REMEMBERED = 2_000;
const CUSTOMERS = 5_000;

const RESOURCES = JSON.parse(
  readFileSync(new URL('../test/fixtures/stripe/latest.json', import.meta.url), 'utf8'),
);

const newId = (prefix) => `${prefix}_1${randomBytes(12).toString('hex').slice(0, 23)}`;
const anyOf = (list) => list[Math.floor(Math.random() * list.length)];

/** Each connection has its own stream. */
export class DeliveryStream {
  #sent = [];
  /** Created subscriptions that were not updated yet. */
  #created = [];

  constructor(projects) {
    this.projects = projects;
  }

  /** @returns a request and its expected status */
  next() {
    const dice = Math.random() * 100;
    if (dice < MIX.duplicate && this.#sent.length > 0)
      return this.#request(anyOf(this.#sent), WEBHOOK_SECRET, 200);
    const sent = { project: projectId(Math.floor(Math.random() * this.projects)), body: '' };
    const isForged = dice >= MIX.duplicate + MIX.new;
    sent.body = JSON.stringify(isForged ? this.#payment() : this.#event(sent), null, 2);
    if (isForged) return this.#request(sent, `${WEBHOOK_SECRET}x`, 400);
    if (this.#sent.push(sent) > REMEMBERED) this.#sent.shift();
    return this.#request(sent, WEBHOOK_SECRET, 200);
  }

  #request({ project, body }, secret, expected) {
    const time = Math.floor(Date.now() / 1000);
    const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
    return {
      method: 'POST',
      path: `/api/v1/payments/stripe/webhooks/${project}/test`,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'stripe-signature': `t=${time},v1=${signature}`,
      },
      body,
      expected,
    };
  }

  /** Half of the events are payments. The others create and update subscriptions. */
  #event(sent) {
    if (Math.random() < 0.5) return this.#payment();
    if (this.#created.length > 10 && Math.random() < 0.5) {
      const { project, subscription } = this.#created.shift();
      sent.project = project;
      const updated = { ...subscription, status: 'past_due' };
      return event('customer.subscription.updated', updated, subscription.created + 60);
    }
    const id = newId('sub');
    const item = { ...RESOURCES.subscription_item, id: newId('si'), subscription: id };
    item.price = { ...RESOURCES.price, nickname: 'Monthly' };
    const items = { ...RESOURCES.subscription.items, data: [item] };
    const subscription = {
      ...RESOURCES.subscription,
      id,
      customer: customer(),
      items,
      created: now(),
      metadata: {},
    };
    this.#created.push({ project: sent.project, subscription });
    return event('customer.subscription.created', subscription, subscription.created);
  }

  #payment() {
    const intent = {
      ...RESOURCES.payment_intent,
      id: newId('pi'),
      amount: 2_000,
      amount_received: 2_000,
      customer: customer(),
      created: now(),
      metadata: {},
      status: 'succeeded',
    };
    return event('payment_intent.succeeded', intent, intent.created);
  }
}

const now = () => Math.floor(Date.now() / 1000);
const customer = () => `cus_${String(Math.floor(Math.random() * CUSTOMERS)).padStart(14, '0')}`;

function event(type, object, created) {
  return {
    id: newId('evt'),
    object: 'event',
    api_version: '2026-10-28.endive',
    created,
    data: { object: { ...object, livemode: false } },
    livemode: false,
    pending_webhooks: 1,
    request: { id: newId('req'), idempotency_key: null },
    type,
  };
}
