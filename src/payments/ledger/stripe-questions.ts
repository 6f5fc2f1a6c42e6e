import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type Stripe from 'stripe';
import { DomainError } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { type AnswerTime, timed } from '../stripe-api/answer-time.js';
import { StripeClients } from '../stripe-api/stripe-clients.js';
import { asStripeFailure, stripeErrorOf } from '../stripe-api/stripe-failure.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { StripeObject } from './stripe-object.js';
import { MAX_NAME_LENGTH } from './subscription.js';

const ATTEMPT = { timeout: 4_000, maxNetworkRetries: 1 } as const satisfies Stripe.RequestOptions;
const NOT_FOUND = 404;

const MAX_NAMES = 10_000;
const NAME_AGE_MS = 10 * 60_000;

export interface Tenant {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
}

/** An object as Stripe says it is. */
export interface Answer {
  readonly object: StripeObject;
  /** `undefined` when the answer does not say. */
  readonly time: AnswerTime | undefined;
}

type Question<Resource> = (stripe: Stripe, options: Stripe.RequestOptions) => Promise<Stripe.Response<Resource>>;

/** What Stripe is asked with a tenant's own key. @throws DomainError `stripe_*`, and what `StripeClients.for` throws */
@Injectable()
export class StripeQuestions {
  readonly #names = new LRUCache<string, string>({ max: MAX_NAMES, ttl: NAME_AGE_MS });

  constructor(private readonly clients: StripeClients) {}

  /** With the product, so that its name is no question of its own. @returns `undefined` when Stripe has none such, as of all these */
  subscription(tenant: Tenant, id: string): Promise<Answer | undefined> {
    return this.#ask(tenant, (stripe, options) => stripe.subscriptions.retrieve(id, { expand: ['items.data.price.product'] }, options));
  }

  paymentIntent(tenant: Tenant, id: string): Promise<Answer | undefined> {
    return this.#ask(tenant, (stripe, options) => stripe.paymentIntents.retrieve(id, undefined, options));
  }

  /** The last one, where only its PaymentIntent is known. */
  async charge(tenant: Tenant, id: string | undefined, paymentIntentId: string | undefined): Promise<Answer | undefined> {
    if (id !== undefined) return this.#ask(tenant, (stripe, options) => stripe.charges.retrieve(id, undefined, options));
    if (paymentIntentId === undefined) return undefined;
    const answer = await this.#ask(tenant, (stripe, options) =>
      stripe.paymentIntents.retrieve(paymentIntentId, { expand: ['latest_charge'] }, options),
    );
    const object = answer?.object.object('latest_charge');
    return object && { object, time: answer?.time };
  }

  dispute(tenant: Tenant, id: string): Promise<Answer | undefined> {
    return this.#ask(tenant, (stripe, options) => stripe.disputes.retrieve(id, undefined, options));
  }

  /** How an invoice was paid: its `invoice_payment` objects. */
  async invoicePayments(tenant: Tenant, invoice: string): Promise<StripeObject[]> {
    const answer = await this.#ask(tenant, async (stripe, options) => stripe.invoicePayments.list({ invoice, limit: 100 }, options));
    if (!answer) throw notThisAccounts('invoice');
    return answer.object.items();
  }

  async productName(tenant: Tenant, id: string): Promise<string | null> {
    const key = `${tenant.projectId} ${tenant.mode} ${id}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const answer = await this.#ask(tenant, (stripe, options) => stripe.products.retrieve(id, undefined, options));
    const name = answer?.object.text('name', MAX_NAME_LENGTH);
    // With another key, Stripe may know one that it doesn't now.
    if (name !== undefined) this.#names.set(key, name);
    return name ?? null;
  }

  async #ask<Resource>({ projectId, mode }: Tenant, question: Question<Resource>): Promise<Answer | undefined> {
    const stripe = await this.clients.for(projectId, mode);
    try {
      const { answer, time } = await timed(() => question(stripe, ATTEMPT));
      const object = StripeObject.from(answer);
      return object && { object, time };
    } catch (error) {
      if (stripeErrorOf(error)?.statusCode === NOT_FOUND) return undefined;
      throw asStripeFailure(error);
    }
  }
}

/** What an event tells of, or what is known to run, was there once. */
export function notThisAccounts(kind: string): DomainError {
  return new DomainError('stripe_key_refused', `Stripe has no such ${kind}: the stored secret key may be of another account.`);
}
