import { Injectable } from '@nestjs/common';
import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';
import { columnNames, columns, columnValues } from '../database/columns.js';
import { Database, exec, query, sql, type Steps } from '../database/database.js';
import { Keyring } from '../vault/keys/keyring.js';
import {
  type HistoryDetails,
  type HistoryEvent,
  type HistoryHead,
  entryAfter,
  NO_HEAD,
  type ProjectAction,
  SYSTEM_CHAIN,
  type SystemAction,
  vouchedFor,
} from './history-entry.js';
import { HistoryEntryEntity } from './history.entities.js';

/** $1 project. Makes the head where there is none. On SQLite the transaction has locked everything. */
const LOCK_HEAD = sql<HistoryHead>(
  {
    sqlite: 'SELECT seq, mac FROM audit_heads WHERE project_id = $1',
    postgres: `INSERT INTO audit_heads AS h (project_id, seq, mac) VALUES ($1, 0, '')
     ON CONFLICT (project_id) DO UPDATE SET seq = h.seq RETURNING seq, mac`,
  },
  'lock_audit_head',
);

/** $1 project, $2 number, $3 MAC. */
const ADVANCE_HEAD = sql<never>(
  `INSERT INTO audit_heads (project_id, seq, mac) VALUES ($1, $2, $3)
   ON CONFLICT (project_id) DO UPDATE SET seq = excluded.seq, mac = excluded.mac`,
  'advance_audit_head',
);

/** $1 to $13: `columnValues(HistoryEntryEntity, …)`. */
const ADD_ENTRY = sql<never>(
  `INSERT INTO audit_entries (${columnNames(HistoryEntryEntity)})
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
  'add_audit_entry',
);

const ENTRY = columns(HistoryEntryEntity);

/** An entry as SQLite returns it, which stores any value in any column. */
export type FoundEntry = Record<keyof HistoryEntryEntity, unknown>;

/** $1 project, $2 limit, $3 offset; the newest first. */
export const PAGE = sql<FoundEntry>(
  `SELECT ${ENTRY} FROM audit_entries WHERE project_id = $1 ORDER BY seq DESC LIMIT $2 OFFSET $3`,
  'page_of_audit_entries',
);

/** $1 project, $2 number, $3 limit; the oldest first. */
export const AFTER = sql<FoundEntry>(
  `SELECT ${ENTRY} FROM audit_entries WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
  'audit_entries_after',
);

/** The history of one project, seen from its end. */
export class HistoryChain<Action extends string = ProjectAction> {
  #head: HistoryHead;

  constructor(
    private readonly keyring: Keyring,
    private readonly projectId: ProjectId,
    head: HistoryHead,
  ) {
    this.#head = head;
  }

  /** Writes an entry. The transaction must have locked the chain: a second entry with this number violates the primary key. */
  *append(event: HistoryEvent<Action>): Steps<void> {
    const entry = entryAfter(this.projectId, this.#head, event);
    const { mac, keyId } = this.keyring.historyMac(this.projectId, vouchedFor(entry, this.#head.mac));
    const { seq, action, result, details } = entry;
    const { kind: actorKind, ...caller } = entry.actor;
    const row = {
      projectId: this.projectId,
      seq,
      at: event.at,
      actorKind,
      ...caller,
      action,
      result,
      details,
      keyId,
      mac,
    };
    this.#head = { seq, mac };
    yield* exec(ADVANCE_HEAD, [this.projectId, seq, mac]);
    yield* exec(ADD_ENTRY, columnValues(HistoryEntryEntity, row));
  }
}

/** Writes the history: of each project one chain of entries, each vouched for together with the one before. */
@Injectable()
export class HistoryTrail {
  constructor(
    private readonly database: Database,
    private readonly keyring: Keyring,
  ) {}

  /**
   * Locks a project's chain. Every transaction that changes something of a project begins with it: all of them take this lock before
   * any other, so they come one after the other and never wait in a circle.
   */
  *open<Action extends string = ProjectAction>(projectId: ProjectId): Steps<HistoryChain<Action>> {
    const [head = NO_HEAD] = yield* query(LOCK_HEAD, [projectId]);
    return new HistoryChain(this.keyring, projectId, head);
  }

  /** Writes an entry about something that changed nothing else. */
  async record(projectId: ProjectId, event: HistoryEvent): Promise<void> {
    await this.database.transaction(() => this.#append(projectId, event));
  }

  /** Writes an entry about the installation. @param actor as `systemActor` makes it */
  async recordSystemEvent(action: SystemAction, details: HistoryDetails, actor: Actor): Promise<void> {
    await this.database.transaction(() => this.appendSystemEvent(action, details, actor));
  }

  /** The same inside the transaction that it is about. */
  *appendSystemEvent(action: SystemAction, details: HistoryDetails, actor: Actor): Steps<void> {
    yield* this.#append(SYSTEM_CHAIN, { action, details, actor, at: new Date() });
  }

  *#append<Action extends string>(projectId: ProjectId, event: HistoryEvent<Action>): Steps<void> {
    const chain = yield* this.open<Action>(projectId);
    yield* chain.append(event);
  }
}
