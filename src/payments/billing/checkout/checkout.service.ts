import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { DomainError, type Problem, ValidationFailed } from '../../../common/errors.js';
import { withBuyersErrors, isMetered } from '../billing.errors.js';
import { type Buyer, malformedResponse } from '../buyer.guard.js';
import { CustomersService } from '../customers/customers.service.js';
import { type MetadataInput, mergedMetadata } from './metadata.js';
import { returnUrlProblemInMode } from './return-url.js';
import type { CustomerParam } from '../customers/stripe-customers.repository.js';
import { SubscriptionsService } from '../subscription/subscriptions.service.js';

export const CHECKOUT_MODES = ['subscription', 'payment'] as const;

export interface CheckoutOrder {
  readonly price_id: string;
  readonly success_url: string;
  readonly cancel_url: string;
  readonly mode: (typeof CHECKOUT_MODES)[number];
  readonly quantity: number;
  readonly metadata: MetadataInput;
  readonly allow_existing_subscription: boolean;
}

/** Creates sessions of Stripe's checkout and customer portal for end users. */
@Injectable()
export class CheckoutService {
  constructor(
    private readonly customers: CustomersService,
    private readonly subscriptions: SubscriptionsService,
  ) {}

  /**
   * @throws ValidationFailed; DomainError `already_subscribed`, `price_not_usable`, `stripe_*`,
   * `database_unavailable`
   */
  async start(buyer: Buyer, order: CheckoutOrder): Promise<{ id: string; url: string }> {
    assertReturnUrls(buyer, { success_url: order.success_url, cancel_url: order.cancel_url });
    return withBuyersErrors(async () => {
      const known = await this.customers.find(buyer);
      if (
        order.mode === 'subscription' &&
        !order.allow_existing_subscription &&
        (await this.subscriptions.isSubscribed(buyer, known))
      )
        throw alreadySubscribed();
      const customer = known ?? (await this.customers.create(buyer));
      const { object, id, url } = await this.customers.with(buyer, customer, (param) =>
        createSession(buyer, order, param),
      );
      if (object !== 'checkout.session' || typeof url !== 'string') throw malformedResponse();
      return { id, url };
    });
  }

  /**
   * @throws ValidationFailed; DomainError `customer_not_found`, `portal_not_set_up`, `stripe_*`,
   * `database_unavailable`
   */
  async openPortal(buyer: Buyer, returnUrl: string): Promise<{ url: string }> {
    assertReturnUrls(buyer, { return_url: returnUrl });
    return withBuyersErrors(async () => {
      const customer = await this.customers.find(buyer);
      if (!customer)
        throw new DomainError(
          'customer_not_found',
          'There is nothing to look after yet: you have not bought anything here.',
        );
      const { url } = await this.customers.with(buyer, customer, (param) =>
        buyer.stripe.make((stripe, options) =>
          stripe.billingPortal.sessions.create({ ...param, return_url: returnUrl }, options),
        ),
      );
      if (typeof url !== 'string') throw malformedResponse();
      return { url };
    });
  }
}

async function createSession(
  buyer: Buyer,
  order: CheckoutOrder,
  customer: CustomerParam,
): Promise<Stripe.Checkout.Session> {
  const session = sessionOf(buyer, order, customer);
  const create = (item: Stripe.Checkout.SessionCreateParams.LineItem) =>
    buyer.stripe.make((stripe, options) =>
      stripe.checkout.sessions.create({ ...session, line_items: [item] }, options),
    );
  try {
    return await create({ price: order.price_id, quantity: order.quantity });
  } catch (error) {
    // A metered price has no quantity, but 1 is the default of every order.
    if (order.quantity === 1 && isMetered(error)) return create({ price: order.price_id });
    throw error;
  }
}

function sessionOf(
  buyer: Buyer,
  order: CheckoutOrder,
  customer: CustomerParam,
): Stripe.Checkout.SessionCreateParams {
  const metadata = mergedMetadata(order.metadata, buyer);
  return {
    mode: order.mode,
    ...customer,
    client_reference_id: buyer.userId,
    success_url: order.success_url,
    cancel_url: order.cancel_url,
    metadata,
    // Stripe doesn't copy the session's metadata to its subscription or payment.
    ...(order.mode === 'subscription'
      ? { subscription_data: { metadata } }
      : { payment_intent_data: { metadata } }),
  };
}

function assertReturnUrls({ mode }: Buyer, urls: Record<string, string>): void {
  const problems = Object.entries(urls).flatMap(([field, url]): Problem[] => {
    const problem = returnUrlProblemInMode(url, mode);
    return problem ? [{ loc: ['body', field], ...problem }] : [];
  });
  if (problems.length > 0) throw new ValidationFailed(problems);
}

function alreadySubscribed(): DomainError {
  const message =
    'You have a subscription already; change it, or set allow_existing_subscription to buy another one.';
  return new DomainError('already_subscribed', message);
}
