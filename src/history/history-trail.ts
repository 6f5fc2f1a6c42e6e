import { Injectable } from '@nestjs/common';
import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';
import { columnReader } from '../database/columns.js';
import { Database, exec, query, type Steps } from '../database/database.js';
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
import { ADD_ENTRY, ADVANCE_HEAD, LOCK_HEAD } from './history.statements.js';

const valuesOf = columnReader(HistoryEntryEntity);

/** The chain of one project, locked for appending. */
export class HistoryChain<Action extends string = ProjectAction> {
  #head: HistoryHead;

  constructor(
    private readonly keyring: Keyring,
    private readonly projectId: ProjectId,
    head: HistoryHead,
  ) {
    this.#head = head;
  }

  /**
   * Writes an entry. The transaction must have locked the chain: a second entry with this number violates the
   * primary key.
   */
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
    yield* exec(ADD_ENTRY, valuesOf(row));
  }
}

/** Writes the history: one chain of entries per project. The MAC of an entry covers the entry before. */
@Injectable()
export class HistoryTrail {
  constructor(
    private readonly database: Database,
    private readonly keyring: Keyring,
  ) {}

  /**
   * Locks a project's chain. Every transaction that changes a project takes this lock before any other, so
   * they run one after another and can't deadlock.
   */
  *lockChain<Action extends string = ProjectAction>(projectId: ProjectId): Steps<HistoryChain<Action>> {
    const [head = NO_HEAD] = yield* query(LOCK_HEAD, [projectId]);
    return new HistoryChain(this.keyring, projectId, head);
  }

  /** Writes an entry in its own transaction, for an event that changes nothing else. */
  async record(projectId: ProjectId, event: HistoryEvent): Promise<void> {
    await this.database.transaction(() => this.#append(projectId, event));
  }

  /** Writes an entry about the installation. @param actor as `systemActor` makes it */
  async recordSystemEvent(action: SystemAction, details: HistoryDetails, actor: Actor): Promise<void> {
    await this.database.transaction(() => this.appendSystemEvent(action, details, actor));
  }

  /** Writes an entry about the installation within the caller's transaction. */
  *appendSystemEvent(action: SystemAction, details: HistoryDetails, actor: Actor): Steps<void> {
    yield* this.#append(SYSTEM_CHAIN, { action, details, actor, at: new Date() });
  }

  *#append<Action extends string>(projectId: ProjectId, event: HistoryEvent<Action>): Steps<void> {
    const chain = yield* this.lockChain<Action>(projectId);
    yield* chain.append(event);
  }
}
