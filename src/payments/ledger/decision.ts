/** What is told of an object: by an event, or by Stripe's answer to a question. */
export interface Told {
  /** The event's `created`, or the `Date` of Stripe's answer. Whole seconds. */
  readonly asOf: Date;
  /** Set when Stripe was asked: the revision that the row had just before, 0 for none. */
  readonly seen?: number;
}

/** A row that is there already. */
export interface Known {
  readonly asOf: Date;
  /** Raised by every write. */
  readonly revision: number;
}

/** `ask`: Stripe's times don't tell which of the two is newer, only Stripe can. */
export type Decision = 'take' | 'keep' | 'ask';

interface Comparison {
  /** How final the states are: what is more final came later, whatever the times say. */
  readonly finality: { readonly known: number; readonly told: number };
  readonly isSame: boolean;
}

/** Whether what is told takes the place of what is known. */
export function decide(known: Known | undefined, told: Told, { finality, isSame }: Comparison): Decision {
  if (!known) return 'take';
  if (finality.told !== finality.known) return finality.told > finality.known ? 'take' : 'keep';
  if (told.asOf.getTime() !== known.asOf.getTime()) return told.asOf > known.asOf ? 'take' : 'keep';
  if (isSame) return 'keep';
  // Nobody has written since Stripe was asked, so nothing that is known is newer than the answer.
  return told.seen === known.revision ? 'take' : 'ask';
}

export function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}

/** Of two statuses that were told of one second, where Stripe has no answer: the same one whichever comes first. */
export function furtherOn(stages: readonly string[], ...statuses: [string, string]): string {
  const [one, other] = statuses.sort();
  return stages.indexOf(other) > stages.indexOf(one) ? other : one;
}
