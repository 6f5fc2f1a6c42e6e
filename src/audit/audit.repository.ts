import { Injectable } from '@nestjs/common';
import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';
import { Database, sql, toTimestamp } from '../database/database.js';
import type { AuditContent } from './audit-entry.js';
import type { AuditHead } from './audit-event.js';

/** An entry with what vouches for it. */
export interface StoredEntry extends AuditContent {
  readonly keyId: string;
  readonly mac: string;
  /** Whether each column still has a value of its type: SQLite takes any that somebody puts there. */
  readonly isReadable: boolean;
}

interface EntryRow {
  project_id: ProjectId;
  seq: number;
  at: Date | string;
  actor_kind: Actor['kind'];
  subject: string;
  ip: string | null;
  user_agent: string | null;
  request_id: string | null;
  action: string;
  result: string;
  details: string;
  key_id: string;
  mac: string;
}

/** $1 project, $2 how many, $3 how many before these; the newest first. */
const PAGE = sql<EntryRow>(
  'SELECT * FROM audit_entries WHERE project_id = $1 ORDER BY seq DESC LIMIT $2 OFFSET $3',
  'page_of_audit_entries',
);

const COUNT = sql<{ total: number | string }>('SELECT count(*) AS total FROM audit_entries WHERE project_id = $1', 'count_audit_entries');

/** $1 project, $2 number, $3 how many; the oldest first. */
const AFTER = sql<EntryRow>('SELECT * FROM audit_entries WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3', 'audit_entries_after');

const HEADS = sql<AuditHead & { project_id: ProjectId }>('SELECT project_id, seq, mac FROM audit_heads ORDER BY project_id', 'audit_heads');

const HEAD = sql<AuditHead>('SELECT seq, mac FROM audit_heads WHERE project_id = $1', 'audit_head');

const CHAINS = sql<{ project_id: ProjectId }>(
  'SELECT project_id FROM audit_heads UNION SELECT project_id FROM audit_entries ORDER BY 1',
  'audit_chains',
);

/** What can't be: the making of a project is the first entry of its history. No time is looked at, which could be set back. */
const PROJECTS_WITHOUT_ENTRIES = sql<{ id: ProjectId }>(
  'SELECT id FROM projects p WHERE NOT EXISTS (SELECT 1 FROM audit_entries e WHERE e.project_id = p.id) ORDER BY id',
  'projects_without_audit_entries',
);

const PERMITS = sql<{ project_id: ProjectId; through_seq: number }>('SELECT project_id, through_seq FROM audit_permits', 'audit_permits');

/** $1 project. */
const LAST_PRUNING = sql<{ details: string }>(
  `SELECT details FROM audit_entries WHERE project_id = $1 AND action = 'history.pruned' ORDER BY seq DESC LIMIT 1`,
  'last_audit_pruning',
);

/** Reads the history. */
@Injectable()
export class AuditRepository {
  constructor(private readonly database: Database) {}

  /** The newest first. */
  async page(projectId: ProjectId, offset: number, limit: number): Promise<StoredEntry[]> {
    return (await this.database.query(PAGE, [projectId, limit, offset])).map(toEntry);
  }

  async count(projectId: ProjectId): Promise<number> {
    const [row] = await this.database.query(COUNT, [projectId]);
    return Number(row?.total ?? 0);
  }

  /** The oldest first. */
  async listAfter(projectId: ProjectId, seq: number, limit: number): Promise<StoredEntry[]> {
    return (await this.database.query(AFTER, [projectId, seq, limit])).map(toEntry);
  }

  async findHead(projectId: ProjectId): Promise<AuditHead | undefined> {
    return (await this.database.query(HEAD, [projectId]))[0];
  }

  async listHeads(): Promise<(AuditHead & { projectId: ProjectId })[]> {
    return (await this.database.query(HEADS, [])).map(({ project_id: projectId, seq, mac }) => ({ projectId, seq, mac }));
  }

  /** Whatever has a head or an entry. */
  async listChains(): Promise<ProjectId[]> {
    return (await this.database.query(CHAINS, [])).map(({ project_id: projectId }) => projectId);
  }

  /** Projects, deleted ones too, whose history is gone. */
  async listProjectsWithoutEntries(): Promise<ProjectId[]> {
    return (await this.database.query(PROJECTS_WITHOUT_ENTRIES, [])).map(({ id }) => id);
  }

  /** Those that retention didn't write: its own are gone when others could see them. */
  async listPermits(): Promise<{ projectId: ProjectId; throughSeq: number }[]> {
    return (await this.database.query(PERMITS, [])).map(({ project_id, through_seq }) => ({
      projectId: project_id,
      throughSeq: through_seq,
    }));
  }

  /** The end of what retention deleted, as the entry about it says. */
  async findStump(projectId: ProjectId): Promise<AuditHead | undefined> {
    const [row] = await this.database.query(LAST_PRUNING, [projectId]);
    if (!row) return undefined;
    try {
      const { through_seq: seq, through_mac: mac } = JSON.parse(row.details) as { through_seq: unknown; through_mac: unknown };
      if (typeof seq === 'number' && typeof mac === 'string') return { seq, mac };
    } catch {
      // As below.
    }
    // Somebody altered it; the check of that entry will tell.
    return undefined;
  }
}

function toEntry(row: EntryRow): StoredEntry {
  const { project_id: projectId, seq, at, action, result, details, key_id: keyId, mac } = row;
  const { actor_kind: kind, subject, ip, user_agent: userAgent, request_id: requestId } = row;
  const isReadable =
    Number.isSafeInteger(seq) &&
    (at instanceof Date || typeof at === 'string') &&
    [projectId, kind, subject, action, result, details, keyId, mac].every((text) => typeof text === 'string') &&
    [ip, userAgent, requestId].every((text) => text === null || typeof text === 'string');
  const actor = { kind, subject, ip, userAgent, requestId };
  const timestamp = isReadable ? toTimestamp(at) : String(at);
  return { projectId, seq, at: timestamp, actor, action, result, details, keyId, mac: String(mac), isReadable };
}
