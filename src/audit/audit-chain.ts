import type { ProjectId } from '../common/ids.js';
import { columnValues } from '../database/columns.js';
import { exec, type Steps } from '../database/database.js';
import type { Keyring } from '../vault/keyring.js';
import { AuditEntryEntity } from './audit-entry.entity.js';
import { entryAfter, vouchedFor } from './audit-entry.js';
import type { AuditEvent, AuditHead, ProjectAction } from './audit-event.js';
import { ADD_ENTRY, ADVANCE_HEAD } from './audit.statements.js';

/** The history of one project, seen from its end. */
export class AuditChain<Action extends string = ProjectAction> {
  #head: AuditHead;

  constructor(
    private readonly keyring: Keyring,
    private readonly projectId: ProjectId,
    head: AuditHead,
  ) {
    this.#head = head;
  }

  /** Writes an entry. The transaction must have locked the chain: a second entry with this number violates the primary key. */
  *append(event: AuditEvent<Action>): Steps<void> {
    const entry = entryAfter(this.projectId, this.#head, event);
    const { mac, keyId } = this.keyring.auditMac(this.projectId, vouchedFor(entry, this.#head.mac));
    const { seq, action, result, details } = entry;
    const { kind: actorKind, ...caller } = entry.actor;
    const row = { projectId: this.projectId, seq, at: event.at, actorKind, ...caller, action, result, details, keyId, mac };
    this.#head = { seq, mac };
    yield* exec(ADVANCE_HEAD, [this.projectId, seq, mac]);
    yield* exec(ADD_ENTRY, columnValues(AuditEntryEntity, row));
  }
}
