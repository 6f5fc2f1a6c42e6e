/** What is told of an object: by an event, or by Stripe's answer to a question. */
export interface Told {
  /** The event's `created`, or of an answer of Stripe, when it was so at the earliest. Whole seconds. */
  readonly asOf: Date;
  /** Whether Stripe answered it to a call with the stored key, which proves the account. */
  readonly isAnswer?: boolean;
  /** Of an answer: when it was so at the latest. */
  readonly until?: Date;
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
  // Where nobody has written since Stripe was asked, nothing that is known is newer than the answer.
  if (told.seen !== undefined && told.seen !== known.revision) return isSame ? 'keep' : 'ask';
  if (told.asOf > known.asOf || (told.seen !== undefined && !isSame)) return 'take';
  return isSame || (told.until ?? told.asOf) < known.asOf ? 'keep' : 'ask';
}

export function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}

/** Of two statuses that were told of one second, where Stripe has no answer: the same one whichever comes first. */
export function furtherOn(stages: readonly string[], ...statuses: [string, string]): string {
  const [one, other] = statuses.sort();
  return stages.indexOf(other) > stages.indexOf(one) ? other : one;
}
