import { isUniqueViolation } from '../../database/database-errors.js';
import { stripeUnavailable } from '../stripe-api/stripe-failure.js';

/** What an event was prepared against has changed since. Nothing is wrong: roll back and prepare it again. */
export class StaleRead extends Error {
  override readonly name = 'StaleRead';
}

const ATTEMPTS = 5;

/**
 * Does `work`, which prepares and applies, again when it was overtaken, or found a row inserted that was not there to be locked.
 * @throws DomainError `stripe_unavailable` when it was so five times
 */
export async function retryIfStale<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StaleRead || isUniqueViolation(error))) throw error;
      if (attempt === ATTEMPTS)
        throw stripeUnavailable('This changed again and again while Stripe was asked about it; try again shortly.', error);
    }
  }
}
