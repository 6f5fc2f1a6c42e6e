import { Injectable } from '@nestjs/common';
import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';
import { Database, run, type SqlValue, type Transaction } from '../database/database.js';
import { Keyring } from '../vault/keyring.js';
import { entryAfter, vouchedFor } from './audit-entry.js';
import { type AuditDetails, type AuditEvent, type AuditHead, SYSTEM_CHAIN, type SystemAction } from './audit-event.js';
import { ADD_ENTRY, ADVANCE_HEAD, entryValues, LOCK_HEAD } from './audit.statements.js';

/** The end of a chain that a transaction has locked. */
export interface AuditChain {
  /** Writes an entry. If it can't, neither is anything else of the transaction. */
  append(event: AuditEvent): Transaction<void>;
}

const NO_HEAD: AuditHead = { seq: 0, mac: '' };

/** Writes the history: of each project one chain of entries, each vouched for together with the one before. */
@Injectable()
export class AuditTrail {
  constructor(
    private readonly database: Database,
    private readonly keyring: Keyring,
  ) {}

  /**
   * Locks a project's chain. Every transaction that changes something of a project begins with it: all of them take this lock before
   * any other, so they come one after the other and never wait in a circle.
   */
  *open(projectId: ProjectId): Transaction<AuditChain> {
    const chain = yield* this.#lock(projectId);
    return { append: (event) => chain.append(event) };
  }

  /** Writes an entry about the installation. @param actor as `systemActor` makes it */
  async recordSystemEvent(action: SystemAction, details: AuditDetails, actor: Actor): Promise<void> {
    await this.database.transaction(() => this.appendSystemEvent(action, details, actor));
  }

  /** The same inside the transaction that it is about. */
  *appendSystemEvent(action: SystemAction, details: AuditDetails, actor: Actor): Transaction<void> {
    const chain = yield* this.#lock(SYSTEM_CHAIN);
    yield* chain.append({ action, details, actor, at: new Date() });
  }

  *#lock(projectId: ProjectId): Transaction<{ append: (event: AuditEvent<string>) => Transaction<void> }> {
    let [head = NO_HEAD] = yield* run(LOCK_HEAD[this.database.engine], [projectId]);
    const next = (event: AuditEvent<string>) => this.#next(projectId, head, event);
    return {
      *append(event) {
        const { values, ...advanced } = next(event);
        const done = yield* run(ADVANCE_HEAD, [projectId, advanced.seq, advanced.mac]);
        if (done.length === 0) throw new Error('The end of the audit chain moved under a lock.');
        yield* run(ADD_ENTRY, values);
        head = advanced;
      },
    };
  }

  #next(projectId: ProjectId, head: AuditHead, event: AuditEvent<string>): AuditHead & { values: SqlValue[] } {
    const entry = entryAfter(projectId, head, event);
    const vouched = this.keyring.auditMac(projectId, vouchedFor(entry, head.mac));
    return { seq: entry.seq, mac: vouched.mac, values: entryValues(entry, vouched) };
  }
}
