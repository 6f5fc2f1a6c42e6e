import type { ProjectId } from '../common/ids.js';
import { query, type Steps } from '../database/database.js';
import type { Keyring } from '../vault/keyring.js';
import { entryAfter, vouchedFor } from './audit-entry.js';
import type { AuditEvent, AuditHead, ProjectAction } from './audit-event.js';
import { ADD_ENTRY, ADVANCE_HEAD, entryRow, type EntryRow, entryValues } from './audit.statements.js';

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

  /** Writes an entry, in the transaction that locked the chain. If it can't, neither is anything else of the transaction. */
  *append(event: AuditEvent<Action>): Steps<void> {
    const row = this.next(event);
    const advanced = yield* query(ADVANCE_HEAD, [this.projectId, this.#head.seq, this.#head.mac]);
    if (advanced.length === 0) throw new Error('The end of the audit chain moved under its lock.');
    yield* query(ADD_ENTRY, entryValues(row));
  }

  /** @returns what a statement with `APPEND_ON_POSTGRES` in it writes */
  next(event: AuditEvent<Action>): EntryRow {
    const entry = entryAfter(this.projectId, this.#head, event);
    const vouched = this.keyring.auditMac(this.projectId, vouchedFor(entry, this.#head.mac));
    this.#head = { seq: entry.seq, mac: vouched.mac };
    return entryRow(entry, vouched);
  }
}
