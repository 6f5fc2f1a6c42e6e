import type { RowOf } from '../../../database/columns.js';
import { isUniqueViolation } from '../../../database/database-errors.js';
import { stripeUnavailable } from '../../stripe/stripe.errors.js';

/** What is told of an object: by an event, or by Stripe's answer to a question. */
export interface Observation {
  /** The event's `created`, or of an answer of Stripe, when it was so at the earliest. Whole seconds. */
  readonly asOf: Date;
  /** Whether Stripe answered it to a call with the stored key, which proves the account. */
  readonly isAnswer?: boolean;
  /** Of an answer: when it was so at the latest. */
  readonly until?: Date;
  /** Set when Stripe was asked: the revision that the row had just before, 0 for none. */
  readonly seenRevision?: number;
}

/** A row that is there already. */
export interface StoredVersion {
  readonly asOf: Date;
  /** Raised by every write. */
  readonly revision: number;
}

/** The state of an object in its row: all columns but those that identify the row. @typeParam Key the property of Stripe's id */
export type StateOf<Entity, Key extends keyof Entity> = Omit<
  RowOf<Entity>,
  'projectId' | 'mode' | 'id' | 'ownerId' | 'revision' | 'confirmedBy' | Key
>;

/** `refetch`: Stripe's times don't tell which of the two is newer, only Stripe can. */
export type Decision = 'apply' | 'skip' | 'refetch';

interface Comparison {
  /** How final the states are: what is more final came later, whatever the times say. */
  readonly rank: { readonly stored: number; readonly observed: number };
  readonly isSame: boolean;
}

/** Whether what is told takes the place of what is known. */
export function decide(
  stored: StoredVersion | undefined,
  observed: Observation,
  { rank, isSame }: Comparison,
): Decision {
  if (!stored) return 'apply';
  if (rank.observed !== rank.stored) return rank.observed > rank.stored ? 'apply' : 'skip';
  // Where nobody has written since Stripe was asked, nothing that is known is newer than the answer.
  if (observed.seenRevision !== undefined && observed.seenRevision !== stored.revision)
    return isSame ? 'skip' : 'refetch';
  if (observed.asOf > stored.asOf || (observed.seenRevision !== undefined && !isSame)) return 'apply';
  return isSame || (observed.until ?? observed.asOf) < stored.asOf ? 'skip' : 'refetch';
}

export function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}

/** Of two statuses that were told of one second, where Stripe has no answer: the same one whichever comes first. */
export function laterStage(stages: readonly string[], ...statuses: [string, string]): string {
  const [one, other] = statuses.sort();
  return stages.indexOf(other) > stages.indexOf(one) ? other : one;
}

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
        throw stripeUnavailable(
          'This changed again and again while Stripe was asked about it; try again shortly.',
          error,
        );
    }
  }
}
