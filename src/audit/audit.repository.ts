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
  'page_of_audit_entries',
  'SELECT * FROM audit_entries WHERE project_id = $1 ORDER BY seq DESC LIMIT $2 OFFSET $3',
);

const COUNT = sql<{ total: number | string }>('count_audit_entries', 'SELECT count(*) AS total FROM audit_entries WHERE project_id = $1');

/** $1 project, $2 number, $3 how many; the oldest first. */
const AFTER = sql<EntryRow>('audit_entries_after', 'SELECT * FROM audit_entries WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3');

const HEADS = sql<AuditHead & { project_id: ProjectId }>('audit_heads', 'SELECT project_id, seq, mac FROM audit_heads ORDER BY project_id');

const HEAD = sql<AuditHead>('audit_head', 'SELECT seq, mac FROM audit_heads WHERE project_id = $1');

const CHAINS = sql<{ project_id: ProjectId }>(
  'audit_chains',
  'SELECT project_id FROM audit_heads UNION SELECT project_id FROM audit_entries ORDER BY 1',
);

/** $1 project. */
const LAST_PRUNING = sql<{ details: string }>(
  'last_audit_pruning',
  `SELECT details FROM audit_entries WHERE project_id = $1 AND action = 'history.pruned' ORDER BY seq DESC LIMIT 1`,
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

  /** The end of what retention deleted, as the entry about it says. */
  async findStump(projectId: ProjectId): Promise<AuditHead | undefined> {
    const [row] = await this.database.query(LAST_PRUNING, [projectId]);
    if (!row) return undefined;
    try {
      const { through_seq: seq, through_mac: mac } = JSON.parse(row.details) as { through_seq: number; through_mac: string };
      return { seq, mac };
    } catch {
      // Somebody altered it; the check of that entry will tell.
      return undefined;
    }
  }
}

function toEntry(row: EntryRow): StoredEntry {
  const { project_id: projectId, seq, at, action, result, details, key_id: keyId, mac } = row;
  const { actor_kind: kind, subject, ip, user_agent: userAgent, request_id: requestId } = row;
  return { projectId, seq, at: toTimestamp(at), actor: { kind, subject, ip, userAgent, requestId }, action, result, details, keyId, mac };
}
