import { randomUUID } from 'node:crypto';
import { type Engine, run, type SqlValue, type Transaction } from '../../database/database.js';
import { toConfig } from './config-row.js';
import { assertCondition, isConditional } from './precondition.js';
import type { ConfigSave, StripeConfig } from './stripe-config.js';
import * as statements from './stripe-config.statements.js';
import { DELETE_FORMER, KEEP_FORMER_ON_SQLITE } from './webhook-secret.statements.js';

/** The parameters of `SAVE_ON_POSTGRES`. */
export function saveValues({ projectId, credentials, formerValidUntil, now }: ConfigSave): SqlValue[] {
  return [projectId, randomUUID(), now, credentials.length > 0, JSON.stringify(credentials), formerValidUntil];
}

/** A write with something to look at before it, or to do after it. @throws DomainError `precondition_failed` */
export function* saveInSteps(engine: Engine, save: ConfigSave): Transaction<StripeConfig | undefined> {
  const { projectId, credentials, precondition, noFormerIn, now } = save;
  if (engine === 'postgres') {
    // Where there is no configuration yet, there is only its project to lock.
    const live = yield* run(statements.LOCK_PROJECT_ON_POSTGRES, [projectId]);
    if (live.length === 0) return undefined;
    yield* run(statements.LOCK, [projectId]);
  }
  if (isConditional(precondition)) {
    const [current] = yield* run(statements.FIND[engine], [projectId]);
    assertCondition(precondition, current && toConfig(current));
  }
  if (!(yield* writeOn[engine](save))) return undefined;
  if (noFormerIn.length > 0) {
    const destroyed = yield* run(DELETE_FORMER, [projectId, noFormerIn.join()]);
    if (destroyed.length > 0 && credentials.length === 0) yield* run(statements.RAISE_VERSION, [projectId, now]);
  }
  const [row] = yield* run(statements.FIND[engine], [projectId]);
  return row && toConfig(row);
}

/** Both write all of it and answer whether there is such a project. */
const writeOn = {
  *postgres(save: ConfigSave): Transaction<boolean> {
    return (yield* run(statements.SAVE_ON_POSTGRES, saveValues(save))).length > 0;
  },

  *sqlite({ projectId, credentials, formerValidUntil, now }: ConfigSave): Transaction<boolean> {
    const saved = yield* run(statements.UPSERT_CONFIG_ON_SQLITE, [projectId, randomUUID(), now, credentials.length > 0]);
    if (saved.length === 0) return false;
    if (credentials.length === 0) return true;
    const given = JSON.stringify(credentials);
    yield* run(KEEP_FORMER_ON_SQLITE, [projectId, formerValidUntil, given]);
    yield* run(statements.UPSERT_CREDENTIALS_ON_SQLITE, [projectId, now, given]);
    return true;
  },
};
