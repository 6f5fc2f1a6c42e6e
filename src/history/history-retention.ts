import { Injectable } from '@nestjs/common';
import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';
import { Database, query, type Steps } from '../database/database.js';
import { HistoryTrail } from './history-trail.js';
import { COUNT_THROUGH, DELETE_THROUGH, LAST_OLDER, PERMIT, REVOKE } from './history.statements.js';
import { HistoryVerifier, type ChainReport } from './history-verifier.js';

/** The one way to delete from the history: from the beginning of a chain, leaving a stump that the chain goes on from. */
@Injectable()
export class HistoryRetention {
  constructor(
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly verifier: HistoryVerifier,
  ) {}

  /**
   * Deletes what is older than `before`, up to the first entry that is not, and writes into the chain what it deleted. A chain with
   * something wrong in it stays as it is: it is evidence.
   * @returns how many entries it deleted, and what is wrong
   */
  async prune(projectId: ProjectId, before: Date, actor: Actor): Promise<ChainReport> {
    const { problems } = await this.verifier.verify(projectId);
    if (problems.length > 0) return { entries: 0, problems };
    const entries = await this.database.transaction(() => this.#deleteOlder(projectId, before, actor));
    return { entries, problems };
  }

  *#deleteOlder(projectId: ProjectId, before: Date, actor: Actor): Steps<number> {
    const chain = yield* this.history.lockChain(projectId);
    const [last] = yield* query(LAST_OLDER, [projectId, before]);
    if (!last) return 0;
    const [{ entries, prunings } = { entries: 0, prunings: 0 }] = yield* query(COUNT_THROUGH, [
      projectId,
      last.seq,
    ]);
    // Deleting only the entries of earlier prunings would add another such entry each time.
    if (entries === prunings) return 0;
    yield* query(PERMIT, [projectId, last.seq]);
    yield* query(DELETE_THROUGH, [projectId, last.seq]);
    yield* query(REVOKE, [projectId]);
    const details = { through_seq: last.seq, through_mac: last.mac, entries, before: before.toISOString() };
    yield* chain.append({ action: 'history.pruned', details, actor, at: new Date() });
    return entries;
  }
}
