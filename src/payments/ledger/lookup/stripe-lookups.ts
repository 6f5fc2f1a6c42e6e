import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type Stripe from 'stripe';
import { DomainError } from '../../../common/errors.js';
import { type AnswerTime, timed } from '../../stripe/stripe-connector.js';
import { StripeClients } from '../../stripe-config/keys/stripe-clients.js';
import { asStripeFailure, stripeErrorOf } from '../../stripe/stripe.errors.js';
import { type PageParams, readWholeList } from '../../stripe/whole-list.js';
import type { ProjectMode } from '../../project-mode.js';
import { required, StripeObject } from '../read/stripe-object.js';
import { MAX_NAME_LENGTH } from '../merge/subscription.js';

const ATTEMPT = { timeout: 4_000, maxNetworkRetries: 1 } as const satisfies Stripe.RequestOptions;
const NOT_FOUND = 404;

const MAX_KIND_LENGTH = 64;
const MAX_NAMES = 10_000;
const NAME_AGE_MS = 10 * 60_000;

export interface Tenant extends ProjectMode {
  /** Ends what is asked page by page. */
  readonly signal?: AbortSignal;
}

/** An object as Stripe says it is. */
export interface Answer {
  readonly object: StripeObject;
  /** `undefined` when the answer does not say. */
  readonly time: AnswerTime | undefined;
}

type Lookup<Resource> = (
  stripe: Stripe,
  options: Stripe.RequestOptions,
) => Promise<Stripe.Response<Resource>>;

type PageReader<Item> = (
  stripe: Stripe,
  page: PageParams,
  options: Stripe.RequestOptions,
) => Promise<Stripe.ApiList<Item>>;

/** What Stripe is asked with a tenant's own key. @throws DomainError `stripe_*`, and what `StripeClients.for` throws */
@Injectable()
export class StripeLookups {
  readonly #names = new LRUCache<string, string>({ max: MAX_NAMES, ttl: NAME_AGE_MS });

  constructor(private readonly clients: StripeClients) {}

  /** With the product, so that its name is no question of its own. @returns `undefined` when Stripe has none such, as of all these */
  async subscription(tenant: Tenant, id: string): Promise<Answer | undefined> {
    const answer = await this.#ask(tenant, (stripe, options) =>
      stripe.subscriptions.retrieve(id, { expand: ['items.data.price.product'] }, options),
    );
    return answer && { ...answer, object: await this.withAllItems(tenant, answer.object) };
  }

  /** A subscription with all of its items: one of many items is cut, in events and in answers. Any other object stays as it is. */
  async withAllItems(tenant: Tenant, object: StripeObject): Promise<StripeObject> {
    if (object.text('object', MAX_KIND_LENGTH) !== 'subscription' || !object.isCut('items')) return object;
    const subscription = required(object.id('id'), 'id');
    const data = await this.#list(tenant, 'subscription', (stripe, page, options) =>
      stripe.subscriptionItems.list({ subscription, ...page, expand: ['data.price.product'] }, options),
    );
    return object.with('items', { object: 'list', data, has_more: false });
  }

  /** An invoice with all of its lines. Any other object stays as it is. */
  async withAllLines(tenant: Tenant, object: StripeObject): Promise<StripeObject> {
    if (object.text('object', MAX_KIND_LENGTH) !== 'invoice' || !object.isCut('lines')) return object;
    const invoice = required(object.id('id'), 'id');
    const data = await this.#list(tenant, 'invoice', (stripe, page, options) =>
      stripe.invoices.listLineItems(invoice, page, options),
    );
    return object.with('lines', { object: 'list', data, has_more: false });
  }

  paymentIntent(tenant: Tenant, id: string): Promise<Answer | undefined> {
    return this.#ask(tenant, (stripe, options) => stripe.paymentIntents.retrieve(id, undefined, options));
  }

  /** The last one, where only its PaymentIntent is known. @returns `null` for a PaymentIntent without a charge */
  async charge(
    tenant: Tenant,
    id: string | undefined,
    paymentIntentId: string | undefined,
  ): Promise<Answer | null | undefined> {
    if (id !== undefined)
      return this.#ask(tenant, (stripe, options) => stripe.charges.retrieve(id, undefined, options));
    if (paymentIntentId === undefined) return null;
    const answer = await this.#ask(tenant, (stripe, options) =>
      stripe.paymentIntents.retrieve(paymentIntentId, { expand: ['latest_charge'] }, options),
    );
    const object = answer?.object.expanded('latest_charge');
    return answer && (object ? { object, time: answer.time } : null);
  }

  dispute(tenant: Tenant, id: string): Promise<Answer | undefined> {
    return this.#ask(tenant, (stripe, options) => stripe.disputes.retrieve(id, undefined, options));
  }

  /** How an invoice was paid: its `invoice_payment` objects. */
  async invoicePayments(tenant: Tenant, invoice: string): Promise<StripeObject[]> {
    const payments = await this.#list(tenant, 'invoice', (stripe, page, options) =>
      stripe.invoicePayments.list({ invoice, ...page }, options),
    );
    return payments.flatMap((payment) => StripeObject.from(payment) ?? []);
  }

  /** How much of an invoice was paid outside of Stripe. Events don't tell, and neither do answers unless they are asked for it. */
  async paidOffStripe(tenant: Tenant, invoice: string): Promise<number> {
    const answer = await this.#ask(tenant, (stripe, options) =>
      stripe.invoices.retrieve(invoice, { expand: ['amount_paid_off_stripe'] }, options),
    );
    return answer?.object.amount('amount_paid_off_stripe') ?? 0;
  }

  async productName(tenant: Tenant, id: string): Promise<string | null> {
    const key = `${tenant.projectId} ${tenant.mode} ${id}`;
    const stored = this.#names.get(key);
    if (stored !== undefined) return stored;
    const answer = await this.#ask(tenant, (stripe, options) =>
      stripe.products.retrieve(id, undefined, options),
    );
    const name = answer?.object.text('name', MAX_NAME_LENGTH);
    // With another key, Stripe may know one that it doesn't now.
    if (name !== undefined) this.#names.set(key, name);
    return name ?? null;
  }

  #ask<Resource>(tenant: Tenant, question: Lookup<Resource>): Promise<Answer | undefined> {
    return this.#call(tenant, async (stripe) => {
      const { answer, time } = await timed(() => question(stripe, ATTEMPT));
      const object = StripeObject.from(answer);
      return object && { object, time };
    });
  }

  /** @param kind what the list belongs to: without it there is no list */
  async #list<Item extends { id: string }>(
    tenant: Tenant,
    kind: string,
    readPage: PageReader<Item>,
  ): Promise<Item[]> {
    const items = await this.#call(tenant, (stripe) =>
      readWholeList((page) => readPage(stripe, page, ATTEMPT), tenant.signal),
    );
    if (!items) throw notThisAccounts(kind);
    return items;
  }

  /** @returns `undefined` for what Stripe does not have */
  async #call<T>({ projectId, mode }: Tenant, call: (stripe: Stripe) => Promise<T>): Promise<T | undefined> {
    const stripe = await this.clients.for(projectId, mode);
    try {
      return await call(stripe);
    } catch (error) {
      if (stripeErrorOf(error)?.statusCode === NOT_FOUND) return undefined;
      throw asStripeFailure(error);
    }
  }
}

/** What an event tells of, or what is known to run, was there once. */
export function notThisAccounts(kind: string): DomainError {
  return new DomainError(
    'stripe_key_refused',
    `Stripe has no such ${kind}: the stored secret key may be of another account.`,
  );
}
