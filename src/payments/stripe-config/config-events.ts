import type { HistoryDetails, HistoryEvent, HistoryField } from '../../history/history-entry.js';
import type { ConfigState } from './precondition.js';
import type { ConfigSave, StoredCredential } from './stripe-config.js';
import type { DestroyedCredential } from './stripe-config.statements.js';
import type { KeptSecret } from './webhook-secret.statements.js';

/** What the history says of credentials: their names, and what their masks show of them. */
export function historyFields(
  credentials: readonly Pick<StoredCredential, 'mode' | 'kind' | 'mask'>[],
): HistoryField[] {
  return credentials.map(({ mode, kind, mask }) => {
    const lastFour = mask.slice(mask.indexOf('...') + 3);
    return { field: `${mode}_${kind}`, ...(lastFour && { last_four: lastFour }) };
  });
}

/** Whether a write changes nothing, unless it ends former webhook secrets. */
export function changesNothing({ credentials }: ConfigSave, state: ConfigState): boolean {
  return credentials.length === 0 && state?.isActive === true;
}

/** What the history says of former webhook secrets that are destroyed, if any. */
export function formerEnded(
  destroyed: readonly Pick<StoredCredential, 'mode' | 'kind' | 'mask'>[],
): Partial<HistoryDetails> {
  return destroyed.length > 0 ? { former_webhook_secrets_ended: historyFields(destroyed) } : {};
}

/** What the history says of credentials that were destroyed: those in use, and apart from them the former webhook secrets. */
export function destroyedDetails(destroyed: readonly DestroyedCredential[]): Partial<HistoryDetails> {
  return {
    fields: historyFields(destroyed.filter(({ slot }) => slot === 0)),
    ...formerEnded(destroyed.filter(({ slot }) => slot > 0)),
  };
}

/** What the history says of a write that follows on `state`. @param destroyed webhook secrets */
export function savedEvent(
  { credentials, actor, now }: ConfigSave,
  state: ConfigState,
  destroyed: readonly KeptSecret[],
): HistoryEvent {
  return {
    action: state?.isActive ? 'config.updated' : 'config.created',
    details: {
      version: (state?.version ?? 0) + 1,
      fields: historyFields(credentials),
      ...formerEnded(destroyed),
    },
    actor,
    at: now,
  };
}
