import { Injectable } from '@nestjs/common';
import { turnEventLoop } from '../common/deadline.js';
import type { ProjectId } from '../common/ids.js';
import { Keyring } from '../vault/keys/keyring.js';
import { type HistoryHead, NO_HEAD, vouchedFor } from './history-entry.js';
import { HistoryRepository, type StoredEntry } from './history.repository.js';

/** An entry that the chain must contain with this MAC. */
export interface Milestone extends HistoryHead {
  /** Its name in a message: `the head`. */
  readonly what: string;
}

/** Walks a chain from its start and collects problems. The caller checks the MACs. */
class ChainWalk {
  readonly problems: string[] = [];
  #end: HistoryHead = NO_HEAD;
  #entries = 0;

  /** @param prunedEnd the last entry that retention deleted */
  constructor(
    private readonly prunedEnd: HistoryHead | undefined,
    private readonly milestones: readonly Milestone[],
  ) {}

  get entries(): number {
    return this.#entries;
  }

  /**
   * @returns the MAC of the entry before. If that entry is missing, adds a problem and returns `undefined`
   */
  arriveAt(seq: number): string | undefined {
    if (!isPlace(seq)) {
      this.problems.push(
        `entry ${Number.isInteger(seq) ? seq : 'without a number'} was never written by this service`,
      );
      return undefined;
    }
    if (this.#entries === 0 && this.prunedEnd && seq > this.prunedEnd.seq) this.#reach(this.prunedEnd);
    if (seq === this.#end.seq + 1) return this.#end.mac;
    this.problems.push(missing(this.#end.seq + 1, seq - 1));
    return undefined;
  }

  pass(entry: HistoryHead, isVouchedFor: boolean): void {
    if (!isPlace(entry.seq)) return;
    if (!isVouchedFor)
      this.problems.push(`entry ${entry.seq} was altered, moved here, or never written by this service`);
    this.#entries += 1;
    this.#reach(entry);
  }

  /** @param head read after the last entry */
  finish(head: HistoryHead | undefined): void {
    for (const { seq, what } of this.milestones) {
      if (seq > this.#end.seq) this.problems.push(`${missing(this.#end.seq + 1, seq)}, which ${what} names`);
    }
    if (!head) this.problems.push('the head is missing');
    else if (head.seq < this.#end.seq) this.problems.push(`the head was set back to entry ${head.seq}`);
  }

  #reach({ seq, mac }: HistoryHead): void {
    this.#end = { seq, mac };
    for (const milestone of this.milestones) {
      if (milestone.seq === seq && milestone.mac !== mac)
        this.problems.push(`entry ${seq} is another one than ${milestone.what} names`);
    }
  }
}

function isPlace(seq: number): boolean {
  return Number.isSafeInteger(seq) && seq >= 1;
}

function missing(from: number, through: number): string {
  return from === through ? `entry ${from} is missing` : `entries ${from} to ${through} are missing`;
}

const READ_AT_ONCE = 500;
/** Below the range of the column. */
const BEFORE_ALL = -(2 ** 31);

export interface ChainReport {
  readonly entries: number;
  /** Problems, worded to follow the name of the chain. */
  readonly problems: readonly string[];
}

/** Verifies that this service wrote the stored history, and that nothing is missing. */
@Injectable()
export class HistoryVerifier {
  constructor(
    private readonly history: HistoryRepository,
    private readonly keyring: Keyring,
  ) {}

  /**
   * Checks one chain, while others may append to it.
   * @param anchored the head as it was last recorded outside of this database
   */
  async verify(projectId: ProjectId, anchored?: HistoryHead): Promise<ChainReport> {
    const report = await this.#walk(projectId, anchored);
    // Retention may have pruned the chain during the walk.
    return report.problems.length === 0 ? report : this.#walk(projectId, anchored);
  }

  async #walk(projectId: ProjectId, anchored: HistoryHead | undefined): Promise<ChainReport> {
    const head = await this.history.findHead(projectId);
    if (!head && anchored && (await this.history.count(projectId)) === 0)
      return { entries: 0, problems: ['the whole history is missing'] };
    const milestones: Milestone[] = [];
    if (isReadable(head)) milestones.push({ ...head, what: 'the head' });
    if (anchored) milestones.push({ ...anchored, what: 'the anchor' });
    const walk = new ChainWalk(await this.history.findStump(projectId), milestones);
    for await (const entry of this.#entries(projectId)) {
      const previousMac = walk.arriveAt(entry.seq);
      walk.pass(entry, await this.#isVouchedFor(entry, previousMac));
    }
    if (head && !isReadable(head)) walk.problems.push('the head was altered');
    walk.finish(await this.history.findHead(projectId));
    return { entries: walk.entries, problems: walk.problems };
  }

  /** @param previousMac `undefined` if the entry before is missing; the MAC can't be checked then */
  async #isVouchedFor(entry: StoredEntry, previousMac: string | undefined): Promise<boolean> {
    if (!entry.isReadable) return false;
    if (previousMac === undefined) return true;
    return this.keyring.isHistoryMac(entry.mac, entry.keyId, entry.projectId, vouchedFor(entry, previousMac));
  }

  /** All entries, including those with an invalid number. */
  async *#entries(projectId: ProjectId): AsyncGenerator<StoredEntry> {
    let after = BEFORE_ALL;
    for (;;) {
      const entries = await this.history.listAfter(projectId, after, READ_AT_ONCE);
      yield* entries;
      const last = entries.at(-1);
      // A number above 2^53 equals its neighbour and would be read forever.
      if (!last || last.seq === after) return;
      after = last.seq;
      await turnEventLoop();
    }
  }
}

/** Checks types, since SQLite stores values of any type. */
function isReadable(head: HistoryHead | undefined): head is HistoryHead {
  return Number.isSafeInteger(head?.seq) && typeof head?.mac === 'string';
}
