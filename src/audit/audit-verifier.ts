import { Injectable } from '@nestjs/common';
import { turnEventLoop } from '../common/event-loop.js';
import type { ProjectId } from '../common/ids.js';
import { Keyring } from '../vault/keyring.js';
import { vouchedFor } from './audit-entry.js';
import type { AuditHead } from './audit-event.js';
import { AuditRepository, type StoredEntry } from './audit.repository.js';
import { ChainWalk, type Milestone } from './chain-walk.js';

const READ_AT_ONCE = 500;
/** Less than any number that the column can hold. */
const BEFORE_ALL = -(2 ** 31);

export interface ChainReport {
  readonly entries: number;
  /** What is wrong with the chain, in words that follow its name. */
  readonly problems: readonly string[];
}

/** Finds out whether the history is what this service wrote. */
@Injectable()
export class AuditVerifier {
  constructor(
    private readonly history: AuditRepository,
    private readonly keyring: Keyring,
  ) {}

  /**
   * Checks one chain, while others may append to it.
   * @param anchored how it ended when that was last written down elsewhere
   */
  async verify(projectId: ProjectId, anchored?: AuditHead): Promise<ChainReport> {
    const report = await this.#walk(projectId, anchored);
    // Retention may have come in between.
    return report.problems.length === 0 ? report : this.#walk(projectId, anchored);
  }

  async #walk(projectId: ProjectId, anchored: AuditHead | undefined): Promise<ChainReport> {
    const head = await this.history.findHead(projectId);
    if (!head && anchored && (await this.history.count(projectId)) === 0) return { entries: 0, problems: ['the whole history is missing'] };
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

  /** @param previousMac `undefined` where the entry before is missing: then nobody can tell */
  async #isVouchedFor(entry: StoredEntry, previousMac: string | undefined): Promise<boolean> {
    if (!entry.isReadable) return false;
    if (previousMac === undefined) return true;
    return this.keyring.isAuditMac(entry.mac, entry.keyId, entry.projectId, vouchedFor(entry, previousMac));
  }

  /** Also those that have a place where there is none. */
  async *#entries(projectId: ProjectId): AsyncGenerator<StoredEntry> {
    let after = BEFORE_ALL;
    for (;;) {
      const entries = await this.history.listAfter(projectId, after, READ_AT_ONCE);
      yield* entries;
      const last = entries.at(-1);
      // The same again: a number that is too large to be told from its neighbours.
      if (!last || last.seq === after) return;
      after = last.seq;
      await turnEventLoop();
    }
  }
}

/** SQLite takes values of any type. */
function isReadable(head: AuditHead | undefined): head is AuditHead {
  return Number.isSafeInteger(head?.seq) && typeof head?.mac === 'string';
}
