import { randomUUID } from 'node:crypto';
import type { AuditChain } from '../../audit/audit-chain.js';
import type { AuditEvent } from '../../audit/audit-event.js';
import type { EntryRow } from '../../audit/audit.statements.js';
import type { AuditTrail } from '../../audit/audit-trail.js';
import { type Engine, query, exec, type Steps } from '../../database/database.js';
import { projectNotFound } from '../../projects/projects.service.js';
import { changesNothing, destroyedBy, replacesWebhookSecret, savedEvent } from './config-events.js';
import { toConfig } from './config-row.js';
import { assertCondition, type ConfigState } from './precondition.js';
import type { ConfigSave, SeenConfig, StoredCredential, StripeConfig } from './stripe-config.js';
import * as statements from './stripe-config.statements.js';
import { DELETE_FORMER, FIND_KEPT, KEEP_FORMER_ON_POSTGRES, KEEP_FORMER_ON_SQLITE } from './webhook-secret.statements.js';

/**
 * A write that builds on what was seen, for `SAVE_ON_POSTGRES`.
 * @returns `undefined` for one that takes more than this statement
 * @throws DomainError `precondition_failed`
 */
export function givenSave(audit: AuditTrail, save: ConfigSave, { state, head, credentials }: SeenConfig): statements.GivenSave | undefined {
  assertCondition(save.precondition, state);
  if (save.noFormerIn.length > 0 || changesNothing(save, state) || replacesWebhookSecret(save, credentials)) return undefined;
  return toGiven(save, audit.endingAt(save.projectId, head).next(savedEvent(save, state, [])));
}

function toGiven({ credentials }: ConfigSave, entry: EntryRow): statements.GivenSave {
  return { ...entry, new_id: randomUUID(), credentials };
}

/** What the write made of the credentials that were seen. */
export function afterSave(row: statements.SavedRow, seen: readonly StoredCredential[]): StripeConfig {
  const config = toConfig(row);
  const isWritten = ({ mode, kind }: StoredCredential) => config.credentials.some((each) => each.mode === mode && each.kind === kind);
  return { ...config, credentials: [...config.credentials, ...seen.filter((each) => !isWritten(each))] };
}

/** Any write. @throws DomainError `project_not_found`, `precondition_failed` */
export function* saveInSteps(engine: Engine, audit: AuditTrail, save: ConfigSave): Steps<StripeConfig | undefined> {
  const { projectId, credentials, noFormerIn, now } = save;
  const chain = yield* audit.open(projectId);
  const [live] = yield* query(statements.FIND_LIVE_STATE, [projectId]);
  if (!live) throw projectNotFound();
  const state = toState(live);
  assertCondition(save.precondition, state);
  const destroyed = destroyedBy(credentials, noFormerIn, yield* query(FIND_KEPT, [projectId]));
  const event = savedEvent(save, state, destroyed);
  const isWrite = !changesNothing(save, state);
  if (isWrite) yield* write[engine](chain, event, save);
  if (noFormerIn.length > 0) yield* query(DELETE_FORMER, [projectId, noFormerIn.join()]);
  if (destroyed.length > 0 && !isWrite) {
    yield* query(statements.RAISE_VERSION, [projectId, now]);
    yield* chain.append(event);
  }
  const [row] = yield* query(statements.FIND[engine], [projectId]);
  return row && toConfig(row);
}

const write = {
  *postgres(chain: AuditChain, event: AuditEvent, save: ConfigSave): Steps<void> {
    const { projectId, credentials, formerValidUntil } = save;
    if (credentials.length > 0) yield* exec(KEEP_FORMER_ON_POSTGRES, [projectId, formerValidUntil, JSON.stringify(credentials)]);
    const written = yield* query(statements.SAVE_ON_POSTGRES, [JSON.stringify([toGiven(save, chain.next(event))])]);
    if (written.length === 0) throw new Error('The end of the audit chain moved under its lock.');
  },

  *sqlite(chain: AuditChain, event: AuditEvent, { projectId, credentials, formerValidUntil, now }: ConfigSave): Steps<void> {
    yield* chain.append(event);
    yield* query(statements.UPSERT_CONFIG_ON_SQLITE, [projectId, randomUUID(), now]);
    if (credentials.length === 0) return;
    const given = JSON.stringify(credentials);
    yield* query(KEEP_FORMER_ON_SQLITE, [projectId, formerValidUntil, given]);
    yield* query(statements.UPSERT_CREDENTIALS_ON_SQLITE, [projectId, now, given]);
  },
};

/** @param row whose version is `null` where there never was a configuration */
export function toState(row: { version: number; is_active: boolean | number } | { version: null }): ConfigState {
  return row.version === null ? undefined : { version: row.version, isActive: Boolean(row.is_active) };
}
