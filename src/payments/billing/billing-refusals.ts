import { DomainError, type ErrorCode } from '../../common/errors.js';
import type { StripeErrorFacts } from '../stripe-api/stripe-failure.js';

/** An everyday refusal of Stripe: told by its status or code, and by its words only where it has no code of its own. */
interface Refusal {
  readonly is: (facts: StripeErrorFacts) => boolean;
  readonly code: ErrorCode;
  readonly message: string;
}

const says = (words: RegExp) => (facts: StripeErrorFacts) => facts.statusCode === 400 && words.test(facts.message);

/** The first that fits. */
const REFUSALS: readonly Refusal[] = [
  {
    is: ({ statusCode, code = '' }) => statusCode === 402 && /_requires_action$|^authentication_required$/.test(code),
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
    message: 'There is no card to pay with, and nothing was changed; add one in the customer portal, then try again.',
  },
  {
    is: says(/mismatch in interval/i),
    code: 'price_not_usable',
    message: 'This price is billed at another interval than the rest of the subscription; choose one with the same interval.',
  },
  {
    is: says(/combine currencies|expected currency|mismatch in currency/i),
    code: 'price_not_usable',
    message: 'This price is in another currency than what you have bought here before; choose one in the same currency.',
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
    message: "The checkout is not set up: the project's owner has to enter the name of the business in Stripe's Dashboard.",
  },
  {
    is: says(/portal settings|default configuration has not been created/i),
    code: 'portal_not_set_up',
    message: "The customer portal is not set up: the project's owner has to save its settings in Stripe's Dashboard.",
  },
];

export function billingRefusal(facts: StripeErrorFacts, cause: unknown): DomainError | undefined {
  const refusal = REFUSALS.find(({ is }) => is(facts));
  return refusal && new DomainError(refusal.code, refusal.message, { cause });
}
