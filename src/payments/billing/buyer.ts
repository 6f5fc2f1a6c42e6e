import type { EndUser } from '../../auth/end-user.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import type { StripeCalls } from './stripe-calls.js';

/** An end user before the till of one project and mode. */
export interface Buyer extends EndUser {
  readonly mode: StripeMode;
  readonly stripe: StripeCalls;
  /** Fingerprint of the project's Stripe account. */
  readonly account: () => Promise<string>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `BuyerGuard`. */
    buyer?: Buyer;
  }
}
