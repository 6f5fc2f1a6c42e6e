import { Injectable } from '@nestjs/common';
import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';
import { Database, query, type Steps } from '../database/database.js';
import { Keyring } from '../vault/keyring.js';
import { AuditChain } from './audit-chain.js';
import { type AuditDetails, type AuditEvent, NO_HEAD, type ProjectAction, SYSTEM_CHAIN, type SystemAction } from './audit-event.js';
import { LOCK_HEAD } from './audit.statements.js';

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
  *open<Action extends string = ProjectAction>(projectId: ProjectId): Steps<AuditChain<Action>> {
    const [head = NO_HEAD] = yield* query(LOCK_HEAD, [projectId]);
    return new AuditChain(this.keyring, projectId, head);
  }

  /** Writes an entry about something that changed nothing else. */
  async record(projectId: ProjectId, event: AuditEvent): Promise<void> {
    await this.database.transaction(() => this.#append(projectId, event));
  }

  /** Writes an entry about the installation. @param actor as `systemActor` makes it */
  async recordSystemEvent(action: SystemAction, details: AuditDetails, actor: Actor): Promise<void> {
    await this.database.transaction(() => this.appendSystemEvent(action, details, actor));
  }

  /** The same inside the transaction that it is about. */
  *appendSystemEvent(action: SystemAction, details: AuditDetails, actor: Actor): Steps<void> {
    yield* this.#append(SYSTEM_CHAIN, { action, details, actor, at: new Date() });
  }

  *#append<Action extends string>(projectId: ProjectId, event: AuditEvent<Action>): Steps<void> {
    const chain = yield* this.open<Action>(projectId);
    yield* chain.append(event);
  }
}
