import type { RowOf } from '../../../database/columns.js';
import { isUniqueViolation } from '../../../database/database-errors.js';
import { stripeUnavailable } from '../../stripe/stripe.errors.js';

/** When and how a state of a Stripe object was observed: in an event, or in a response of Stripe. */
export interface Observation {
  /**
   * `created` of the event; for a response, the earliest time at which it can have been true. Whole seconds.
   */
  readonly asOf: Date;
  /** Whether Stripe returned the state for the stored key, which proves the account. */
  readonly isResponse?: boolean;
  /** For a response, the latest time at which it can have been true. */
  readonly until?: Date;
  /** For a response, the row's revision before the request; 0 without a row. */
  readonly seenRevision?: number;
}

/** Version of a stored row. */
export interface StoredVersion {
  readonly asOf: Date;
  /** Incremented by every write. */
  readonly revision: number;
}

/** State of an object: all columns except those that identify the row. @typeParam Key the property of Stripe's id */
export type StateOf<Entity, Key extends keyof Entity> = Omit<
  RowOf<Entity>,
  'projectId' | 'mode' | 'id' | 'revision' | 'updatedAt' | 'confirmedBy' | Key
>;

/** `refetch`: the timestamps don't show which state is newer, so Stripe must be asked. */
export type Decision = 'apply' | 'skip' | 'refetch';

interface Comparison {
  /** Finality of the two states. The more final one is newer, even if its timestamp is older. */
  readonly rank: { readonly stored: number; readonly observed: number };
  readonly isSame: boolean;
}

/** Decides whether an observed state replaces the stored one. */
export function decide(
  stored: StoredVersion | undefined,
  observed: Observation,
  { rank, isSame }: Comparison,
): Decision {
  if (!stored) return 'apply';
  if (rank.observed !== rank.stored) return rank.observed > rank.stored ? 'apply' : 'skip';
  // If the row was not written since the request, the response is at least as new as the row.
  if (observed.seenRevision !== undefined && observed.seenRevision !== stored.revision)
    return isSame ? 'skip' : 'refetch';
  if (observed.asOf > stored.asOf || (observed.seenRevision !== undefined && !isSame)) return 'apply';
  return isSame || (observed.until ?? observed.asOf) < stored.asOf ? 'skip' : 'refetch';
}

export function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}

/**
 * Tie-break for two statuses with the same timestamp when Stripe can't be asked. Independent of arrival
 * order.
 */
export function laterStage(stages: readonly string[], ...statuses: [string, string]): string {
  const [one, other] = statuses.sort();
  return stages.indexOf(other) > stages.indexOf(one) ? other : one;
}

/**
 * A row changed after the event was prepared. The transaction is rolled back and the event prepared again.
 */
export class StaleRead extends Error {
  override readonly name = 'StaleRead';
}

const ATTEMPTS = 5;

/**
 * Retries `work`, which prepares and applies a change, after a stale read, or if another transaction inserted
 * the row first.
 * @throws DomainError `stripe_unavailable` after five attempts
 */
export async function retryIfStale<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StaleRead || isUniqueViolation(error))) throw error;
      if (attempt === ATTEMPTS)
        throw stripeUnavailable(
          'This changed again and again while Stripe was asked about it; try again shortly.',
          error,
        );
    }
  }
}
