import type { ProjectId } from '../common/ids.js';
import { exec, type Steps } from '../database/database.js';
import type { Keyring } from '../vault/keyring.js';
import { entryAfter, vouchedFor } from './audit-entry.js';
import type { AuditEvent, AuditHead, ProjectAction } from './audit-event.js';
import { ADD_ENTRY, ADVANCE_HEAD, entryValues } from './audit.statements.js';

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
    const vouched = this.keyring.auditMac(this.projectId, vouchedFor(entry, this.#head.mac));
    this.#head = { seq: entry.seq, mac: vouched.mac };
    yield* exec(ADVANCE_HEAD, [this.projectId, entry.seq, vouched.mac]);
    yield* exec(ADD_ENTRY, entryValues(entry, vouched));
  }
}
