import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type Stripe from 'stripe';
import { DomainError } from '../../../common/errors.js';
import { type AnswerTime, timed } from '../../stripe/stripe-connector.js';
import { StripeClients } from '../../stripe-config/keys/stripe-clients.js';
import { asStripeFailure, stripeErrorOf } from '../../stripe/stripe.errors.js';
import { type PageParams, readWholeList } from '../../stripe/whole-list.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { later, type Observation } from '../merge/observation.js';
import { required, StripeObject } from '../read/stripe-object.js';
import { MAX_NAME_LENGTH } from '../merge/subscription.js';

const ATTEMPT = { timeout: 4_000, maxNetworkRetries: 1 } as const satisfies Stripe.RequestOptions;
const NOT_FOUND = 404;

const MAX_KIND_LENGTH = 64;
const MAX_NAMES = 10_000;
const NAME_AGE_MS = 10 * 60_000;

export interface Tenant extends ProjectMode {
  /** Aborts lists of several pages. */
  readonly signal?: AbortSignal;
}

/** An object as Stripe returned it. */
export interface StripeResponse {
  readonly object: StripeObject;
  /** `undefined` if the response has no `Date` header. */
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

/**
 * Requests to Stripe with the project's own key.
 * @throws DomainError `stripe_*`, and the errors of `StripeClients.for`
 */
@Injectable()
export class StripeLookups {
  readonly #names = new LRUCache<string, string>({ max: MAX_NAMES, ttl: NAME_AGE_MS });

  constructor(private readonly clients: StripeClients) {}

  /**
   * Expands the product, which saves a request for its name.
   * @returns `undefined` if Stripe doesn't have the subscription
   */
  async subscription(tenant: Tenant, id: string): Promise<StripeResponse | undefined> {
    const answer = await this.#ask(tenant, (stripe, options) =>
      stripe.subscriptions.retrieve(id, { expand: ['items.data.price.product'] }, options),
    );
    return answer && { ...answer, object: await this.withAllItems(tenant, answer.object) };
  }

  /** Adds the items of a subscription that Stripe cut off. Returns any other object unchanged. */
  async withAllItems(tenant: Tenant, object: StripeObject): Promise<StripeObject> {
    if (object.text('object', MAX_KIND_LENGTH) !== 'subscription' || !object.isCut('items')) return object;
    const subscription = required(object.id('id'), 'id');
    const data = await this.#list(tenant, 'subscription', (stripe, page, options) =>
      stripe.subscriptionItems.list({ subscription, ...page, expand: ['data.price.product'] }, options),
    );
    return object.with('items', { object: 'list', data, has_more: false });
  }

  /** Adds the lines of an invoice that Stripe cut off. Returns any other object unchanged. */
  async withAllLines(tenant: Tenant, object: StripeObject): Promise<StripeObject> {
    if (object.text('object', MAX_KIND_LENGTH) !== 'invoice' || !object.isCut('lines')) return object;
    const invoice = required(object.id('id'), 'id');
    const data = await this.#list(tenant, 'invoice', (stripe, page, options) =>
      stripe.invoices.listLineItems(invoice, page, options),
    );
    return object.with('lines', { object: 'list', data, has_more: false });
  }

  paymentIntent(tenant: Tenant, id: string): Promise<StripeResponse | undefined> {
    return this.#ask(tenant, (stripe, options) => stripe.paymentIntents.retrieve(id, undefined, options));
  }

  /**
   * A charge by its id, or the latest charge of a PaymentIntent.
   * @returns `null` for a PaymentIntent without a charge
   */
  async charge(
    tenant: Tenant,
    id: string | undefined,
    paymentIntentId: string | undefined,
  ): Promise<StripeResponse | null | undefined> {
    if (id !== undefined)
      return this.#ask(tenant, (stripe, options) => stripe.charges.retrieve(id, undefined, options));
    if (paymentIntentId === undefined) return null;
    const answer = await this.#ask(tenant, (stripe, options) =>
      stripe.paymentIntents.retrieve(paymentIntentId, { expand: ['latest_charge'] }, options),
    );
    const object = answer?.object.expanded('latest_charge');
    return answer && (object ? { object, time: answer.time } : null);
  }

  dispute(tenant: Tenant, id: string): Promise<StripeResponse | undefined> {
    return this.#ask(tenant, (stripe, options) => stripe.disputes.retrieve(id, undefined, options));
  }

  /** The `invoice_payment` objects of an invoice. */
  async invoicePayments(tenant: Tenant, invoice: string): Promise<StripeObject[]> {
    const payments = await this.#list(tenant, 'invoice', (stripe, page, options) =>
      stripe.invoicePayments.list({ invoice, ...page }, options),
    );
    return payments.flatMap((payment) => StripeObject.from(payment) ?? []);
  }

  /** Amount of an invoice that was paid outside of Stripe. Stripe returns it only if it is expanded. */
  async paidOffStripe(tenant: Tenant, invoice: string): Promise<number> {
    const answer = await this.#ask(tenant, (stripe, options) =>
      stripe.invoices.retrieve(invoice, { expand: ['amount_paid_off_stripe'] }, options),
    );
    return answer?.object.amount('amount_paid_off_stripe') ?? 0;
  }

  async productName(tenant: Tenant, id: string): Promise<string | null> {
    const key = `${tenant.projectId} ${tenant.mode} ${id}`;
    const cached = this.#names.get(key);
    if (cached !== undefined) return cached;
    const answer = await this.#ask(tenant, (stripe, options) =>
      stripe.products.retrieve(id, undefined, options),
    );
    const name = answer?.object.text('name', MAX_NAME_LENGTH);
    // A missing name is not cached, since the key may be of another account and be replaced.
    if (name !== undefined) this.#names.set(key, name);
    return name ?? null;
  }

  #ask<Resource>(tenant: Tenant, request: Lookup<Resource>): Promise<StripeResponse | undefined> {
    return this.#call(tenant, async (stripe) => {
      const { answer, time } = await timed(() => request(stripe, ATTEMPT));
      const object = StripeObject.from(answer);
      return object && { object, time };
    });
  }

  /** @param kind of the object that has the list @throws DomainError if Stripe doesn't have that object */
  async #list<Item extends { id: string }>(
    tenant: Tenant,
    kind: string,
    readPage: PageReader<Item>,
  ): Promise<Item[]> {
    const items = await this.#call(tenant, (stripe) =>
      readWholeList((page) => readPage(stripe, page, ATTEMPT), tenant.signal),
    );
    if (!items) throw missingAtStripe(kind);
    return items;
  }

  /** @returns `undefined` if Stripe answers 404 */
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

/** Stripe lacks an object that existed: an event mentions it, or it is active here. */
export function missingAtStripe(kind: string): DomainError {
  return new DomainError(
    'stripe_key_refused',
    `Stripe has no such ${kind}: the stored secret key may be of another account.`,
  );
}

/** Observation for a response that was requested after `observed`, so its time is not earlier. */
export function observedInResponse(
  { time }: StripeResponse,
  { asOf }: Observation,
  seenRevision: number,
): Observation {
  return { asOf: time ? later(time.from, asOf) : asOf, seenRevision, isResponse: true };
}
