import { Injectable } from '@nestjs/common';
import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';
import { Database, query, type Steps } from '../database/database.js';
import { HistoryTrail } from './history-trail.js';
import { COUNT_THROUGH, DELETE_THROUGH, LAST_OLDER, PERMIT, REVOKE } from './history.statements.js';
import { HistoryVerifier, type ChainReport } from './history-verifier.js';

/**
 * The only code that deletes history: from the start of a chain. A `history.pruned` entry keeps the number
 * and MAC of the last one.
 */
@Injectable()
export class HistoryRetention {
  constructor(
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly verifier: HistoryVerifier,
  ) {}

  /**
   * Deletes entries up to the first one that is not older than `before`, and records this in the chain. A
   * chain with problems is kept as evidence.
   * @returns the number of deleted entries, and the problems
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
    // Pruning nothing but earlier `history.pruned` entries would add another one each time.
    if (entries === prunings) return 0;
    yield* query(PERMIT, [projectId, last.seq]);
    yield* query(DELETE_THROUGH, [projectId, last.seq]);
    yield* query(REVOKE, [projectId]);
    const details = { through_seq: last.seq, through_mac: last.mac, entries, before: before.toISOString() };
    yield* chain.append({ action: 'history.pruned', details, actor, at: new Date() });
    return entries;
  }
}
