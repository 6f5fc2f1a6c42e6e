import type { FastifyInstance } from 'fastify';
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

/** Declares `request.buyer` before the first request, so that all requests have the same shape. */
export function decorateWithBuyer(fastify: FastifyInstance): void {
  fastify.decorateRequest('buyer', undefined);
}
