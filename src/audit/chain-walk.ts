import { type AuditHead, NO_HEAD } from './audit-event.js';

/** A place that the chain has to reach with a certain MAC. */
export interface Milestone extends AuditHead {
  /** What it is, for people: `the head`. */
  readonly what: string;
}

/** Walks a chain from its beginning and notes what is wrong with it. Whether entries are vouched for is for others to find out. */
export class ChainWalk {
  readonly problems: string[] = [];
  #end: AuditHead = NO_HEAD;
  #entries = 0;

  /** @param stump the end of what retention deleted */
  constructor(
    private readonly stump: AuditHead | undefined,
    private readonly milestones: readonly Milestone[],
  ) {}

  get entries(): number {
    return this.#entries;
  }

  /** @returns the MAC of the entry before, or `undefined` when that one is missing, which is noted */
  arriveAt(seq: number): string | undefined {
    if (!isPlace(seq)) {
      this.problems.push(`entry ${Number.isInteger(seq) ? seq : 'without a number'} was never written by this service`);
      return undefined;
    }
    if (this.#entries === 0 && this.stump && seq > this.stump.seq) this.#reach(this.stump);
    if (seq === this.#end.seq + 1) return this.#end.mac;
    this.problems.push(missing(this.#end.seq + 1, seq - 1));
    return undefined;
  }

  pass(entry: AuditHead, isVouchedFor: boolean): void {
    if (!isPlace(entry.seq)) return;
    if (!isVouchedFor) this.problems.push(`entry ${entry.seq} was altered, moved here, or never written by this service`);
    this.#entries += 1;
    this.#reach(entry);
  }

  /** @param head of the chain, read after the last entry */
  finish(head: AuditHead | undefined): void {
    for (const { seq, what } of this.milestones) {
      if (seq > this.#end.seq) this.problems.push(`${missing(this.#end.seq + 1, seq)}, which ${what} names`);
    }
    if (!head) this.problems.push('the head is missing');
    else if (head.seq < this.#end.seq) this.problems.push(`the head was set back to entry ${head.seq}`);
  }

  #reach({ seq, mac }: AuditHead): void {
    this.#end = { seq, mac };
    for (const milestone of this.milestones) {
      if (milestone.seq === seq && milestone.mac !== mac) this.problems.push(`entry ${seq} is another one than ${milestone.what} names`);
    }
  }
}

function isPlace(seq: number): boolean {
  return Number.isSafeInteger(seq) && seq >= 1;
}

function missing(from: number, through: number): string {
  return from === through ? `entry ${from} is missing` : `entries ${from} to ${through} are missing`;
}
