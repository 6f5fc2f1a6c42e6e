import { DomainError, type ErrorCode, ValidationFailed } from '../../common/errors.js';
import { asStripeFailure, type StripeErrorFacts, stripeErrorOf } from '../stripe/stripe.errors.js';
import { Unreadable } from '../ledger/read/stripe-object.js';
import { malformedResponse } from './buyer.guard.js';

const URL_FIELDS = ['success_url', 'cancel_url', 'return_url'];

/** Parameters that name a price: `line_items[0][price]`, `items[0][price]`, and `price`. */
const PRICE_PARAMETER = /\[price\]$|^price$/;

/**
 * Stripe's messages for a price that doesn't fit the checkout's mode, which mostly come without a parameter.
 */
const WRONG_KIND =
  /\brecurring price\b.*\b(?:subscription|payment)\W mode\b|\b(?:subscription|payment)\W mode\b.*\b(?:recurring|one-time) price/i;

const OUT_OF_ORDER =
  'Payments do not work in this project at the moment; its owner has to look at its Stripe settings.';

/**
 * Calls Stripe for an end user.
 * @throws DomainError with a message for end users, who can't change the project's keys
 */
export async function withBuyersErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asBillingFailure(error);
  }
}

/** Whether Stripe doesn't have the object that this parameter names. */
export function isMissing(error: unknown, parameter = /^/): boolean {
  const { code, param = '' } = stripeErrorOf(error) ?? {};
  return code === 'resource_missing' && parameter.test(param);
}

/** Whether Stripe replayed this failure for the idempotency key. Every call with the key gets it. */
export function isReplayedFailure(error: unknown): boolean {
  const { statusCode = 0, headers = {} } = stripeErrorOf(error) ?? {};
  return statusCode >= 500 && headers['idempotent-replayed'] === 'true';
}

/** Whether Stripe may have done the work although it failed or did not answer. */
export function isUncertain(error: unknown): boolean {
  const facts = stripeErrorOf(error);
  return facts !== undefined && (facts.statusCode === undefined || facts.statusCode >= 500);
}

/** Whether Stripe refused a quantity because the price is metered. */
export function isMetered(error: unknown): boolean {
  return /\bquantity\b.*\bmetered\b/i.test(stripeErrorOf(error)?.message ?? '');
}

export function priceNotUsable(message: string, cause?: unknown): DomainError {
  return new DomainError('price_not_usable', message, { cause });
}

export function unknownPrice(cause: unknown): DomainError {
  return priceNotUsable('There is no price with this id in this mode.', cause);
}

function asBillingFailure(error: unknown): unknown {
  if (error instanceof DomainError && error.code === 'credential_unreadable')
    return new DomainError(error.code, OUT_OF_ORDER, { cause: error });
  if (error instanceof Unreadable) return malformedResponse(error);
  const facts = stripeErrorOf(error);
  if (!facts) return error;
  const refused = refusalOf(facts, error);
  if (refused) return refused;
  const failure = asStripeFailure(error);
  if (!(failure instanceof DomainError)) return failure;
  if (failure.code === 'stripe_key_refused' || failure.code === 'stripe_permission_missing')
    return new DomainError(failure.code, OUT_OF_ORDER, { cause: error });
  if (failure.code !== 'stripe_refused') return failure;
  const message =
    "Stripe refused this; the project's owner finds the reason in the request log of Stripe's Dashboard.";
  return new DomainError('stripe_refused', message, { cause: error });
}

/** Stripe has no codes for these reasons, only messages. */
function reasonFor(message: string): string {
  if (/inactive/i.test(message)) return 'This price is no longer offered.';
  if (/one_time/i.test(message))
    return 'This price is for a single payment; a subscription needs a recurring one.';
  return 'This price can not be used here.';
}

/** Translates refusals that the buyer, or the developer of the shop, can correct. */
function refusalOf(facts: StripeErrorFacts, cause: unknown): DomainError | undefined {
  const { statusCode, code, param = '', message } = facts;
  const common = billingRefusal(facts, cause);
  if (common) return common;
  if (isMissing(cause, PRICE_PARAMETER)) return unknownPrice(cause);
  if (param === 'mode' || WRONG_KIND.test(message))
    return priceNotUsable(
      'This price does not go with the mode: subscription is for recurring prices, payment for all others.',
      cause,
    );
  if (PRICE_PARAMETER.test(param)) return priceNotUsable(reasonFor(message), cause);
  if (URL_FIELDS.includes(param))
    return new ValidationFailed([
      { loc: ['body', param], msg: 'is a URL that Stripe does not take', type: 'value_error' },
    ]);
  if (param.endsWith('[quantity]') || isMetered(cause)) {
    return new ValidationFailed([
      {
        loc: ['body', 'quantity'],
        msg: 'is not a quantity that Stripe takes for this price',
        type: 'value_error',
      },
    ]);
  }
  if (statusCode === 409 || code === 'lock_timeout') return busy(cause);
  return undefined;
}

function busy(cause: unknown): DomainError {
  return new DomainError(
    'stripe_unavailable',
    'Stripe is still busy with another request for the same; try again shortly.',
    {
      retryAfterSeconds: 2,
      cause,
    },
  );
}

/**
 * A common refusal by Stripe. It is detected by status or code, or by its message if Stripe has no code for
 * it.
 */
interface Refusal {
  readonly is: (facts: StripeErrorFacts) => boolean;
  readonly code: ErrorCode;
  readonly message: string;
}

const says = (words: RegExp) => (facts: StripeErrorFacts) =>
  facts.statusCode === 400 && words.test(facts.message);

/** The first match is used. */
const REFUSALS: readonly Refusal[] = [
  {
    is: ({ statusCode, code = '' }) =>
      statusCode === 402 && /_requires_action$|^authentication_required$/.test(code),
    code: 'confirmation_needed',
    message:
      'Your bank wants you to confirm the payment, so nothing was changed yet; change the plan in the customer portal, or add another card there and try again.',
  },
  {
    is: ({ statusCode }) => statusCode === 402,
    code: 'card_declined',
    message: 'The payment was declined, and nothing was changed; try another card, or ask your bank.',
  },
  {
    is: says(/no attached payment source|no default payment method/i),
    code: 'payment_method_missing',
    message:
      'There is no card to pay with, and nothing was changed; add one in the customer portal, then try again.',
  },
  {
    is: says(/mismatch in interval/i),
    code: 'price_not_usable',
    message:
      'This price is billed at another interval than the rest of the subscription; choose one with the same interval.',
  },
  {
    is: says(/combine currencies|expected currency|mismatch in currency/i),
    code: 'price_not_usable',
    message:
      'This price is in another currency than what you have bought here before; choose one in the same currency.',
  },
  {
    is: ({ code }) => code === 'amount_too_small',
    code: 'price_not_usable',
    message: 'This comes to less than Stripe charges at least.',
  },
  {
    is: ({ code }) => code === 'amount_too_large',
    code: 'price_not_usable',
    message: 'This comes to more than Stripe charges at once.',
  },
  {
    is: says(/managed by the subscription schedule|attached to a (?:subscription )?schedule/i),
    code: 'subscription_scheduled',
    message:
      "A schedule decides when the subscription changes or ends: the project's owner has to change or release it in Stripe's Dashboard.",
  },
  {
    is: says(/account or business name/i),
    code: 'checkout_not_set_up',
    message:
      "The checkout is not set up: the project's owner has to enter the name of the business in Stripe's Dashboard.",
  },
  {
    is: says(/portal settings|default configuration has not been created/i),
    code: 'portal_not_set_up',
    message:
      "The customer portal is not set up: the project's owner has to save its settings in Stripe's Dashboard.",
  },
];

function billingRefusal(facts: StripeErrorFacts, cause: unknown): DomainError | undefined {
  const refusal = REFUSALS.find(({ is }) => is(facts));
  return refusal && new DomainError(refusal.code, refusal.message, { cause });
}
