import { Injectable } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
import type { ProjectId } from '../common/ids.js';
import { Database } from '../database/database.js';
import { reachingDatabase } from '../database/database-errors.js';
import type { EntryContent, HistoryHead } from './history-entry.js';
import { HistoryEntryEntity, HistoryHeadEntity, HistoryPermitEntity } from './history.entities.js';
import { AFTER, CHAINS, type FoundEntry, PAGE, PROJECTS_WITHOUT_ENTRIES } from './history.statements.js';

/** A stored entry with its MAC. */
export interface StoredEntry extends EntryContent {
  readonly keyId: string;
  readonly mac: string;
  /** Whether each column has a value of its type. SQLite accepts any value. */
  readonly isReadable: boolean;
}

export interface HistoryFilter {
  readonly action?: string;
  /** The subject of the actor. */
  readonly subject?: string;
}

/** Reads the history. */
@Injectable()
export class HistoryRepository {
  readonly #entries: Repository<HistoryEntryEntity>;
  readonly #heads: Repository<HistoryHeadEntity>;
  readonly #permits: Repository<HistoryPermitEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
  ) {
    this.#entries = dataSource.getRepository(HistoryEntryEntity);
    this.#heads = dataSource.getRepository(HistoryHeadEntity);
    this.#permits = dataSource.getRepository(HistoryPermitEntity);
  }

  /** The newest first. */
  async page(
    projectId: ProjectId,
    offset: number,
    limit: number,
    { action, subject }: HistoryFilter = {},
  ): Promise<StoredEntry[]> {
    const statement =
      action === undefined
        ? PAGE[subject === undefined ? 'ofAll' : 'ofSubject']
        : PAGE[subject === undefined ? 'ofAction' : 'ofBoth'];
    const values = [action, subject].filter((value) => value !== undefined);
    return (await this.database.query(statement, [projectId, limit, offset, ...values])).map(toEntry);
  }

  count(projectId: ProjectId, { action, subject }: HistoryFilter = {}): Promise<number> {
    const where = {
      projectId,
      ...(action !== undefined && { action }),
      ...(subject !== undefined && { subject }),
    };
    return reachingDatabase(this.#entries.countBy(where));
  }

  /** The oldest first. */
  async listAfter(projectId: ProjectId, seq: number, limit: number): Promise<StoredEntry[]> {
    return (await this.database.query(AFTER, [projectId, seq, limit])).map(toEntry);
  }

  async findHead(projectId: ProjectId): Promise<HistoryHead | undefined> {
    return (
      (await reachingDatabase(
        this.#heads.findOne({ select: { seq: true, mac: true }, where: { projectId } }),
      )) ?? undefined
    );
  }

  listHeads(): Promise<(HistoryHead & { projectId: ProjectId })[]> {
    return reachingDatabase(this.#heads.find({ order: { projectId: 'ASC' } }));
  }

  /** Chains with a head or an entry. */
  async listChains(): Promise<ProjectId[]> {
    return (await this.database.query(CHAINS, [])).map(({ projectId }) => projectId);
  }

  /** Projects without history, including deleted ones. */
  async listProjectsWithoutEntries(): Promise<ProjectId[]> {
    return (await this.database.query(PROJECTS_WITHOUT_ENTRIES, [])).map(({ id }) => id);
  }

  /**
   * Lists leftover permits. Retention deletes its own before it commits, so any that are found are foreign.
   */
  listPermits(): Promise<{ projectId: ProjectId; throughSeq: number }[]> {
    return reachingDatabase(this.#permits.find());
  }

  /** The last entry that retention deleted, from the newest `history.pruned` entry. */
  async findStump(projectId: ProjectId): Promise<HistoryHead | undefined> {
    const [row] = await reachingDatabase(
      this.#entries.find({
        select: { details: true },
        where: { projectId, action: 'history.pruned' },
        order: { seq: 'DESC' },
        take: 1,
      }),
    );
    if (!row) return undefined;
    try {
      const { through_seq: seq, through_mac: mac } = JSON.parse(row.details) as {
        through_seq: unknown;
        through_mac: unknown;
      };
      if (typeof seq === 'number' && typeof mac === 'string') return { seq, mac };
    } catch {
      // As below.
    }
    // The entry was altered, which its MAC will show.
    return undefined;
  }
}

function toEntry(row: FoundEntry): StoredEntry {
  const {
    projectId,
    seq,
    at,
    actorKind: kind,
    subject,
    ip,
    userAgent,
    requestId,
    action,
    result,
    details,
    keyId,
    mac,
  } = row as HistoryEntryEntity;
  const isReadable =
    Number.isSafeInteger(seq) &&
    at instanceof Date &&
    [projectId, kind, subject, action, result, details, keyId, mac].every(
      (text) => typeof text === 'string',
    ) &&
    [ip, userAgent, requestId].every((text) => text === null || typeof text === 'string');
  const actor = { kind, subject, ip, userAgent, requestId };
  const timestamp = isReadable ? at.toISOString() : String(at);
  return {
    projectId,
    seq,
    at: timestamp,
    actor,
    action,
    result,
    details,
    keyId,
    mac: String(mac),
    isReadable,
  };
}
