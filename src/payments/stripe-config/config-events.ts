import type { AuditEvent, AuditField } from '../../audit/audit-event.js';
import type { ConfigState } from './precondition.js';
import type { ConfigSave, StoredCredential } from './stripe-config.js';

/** What the history says of credentials: their names, and what their masks show of them. */
export function auditFields(credentials: readonly Pick<StoredCredential, 'mode' | 'kind' | 'mask'>[]): AuditField[] {
  return credentials.map(({ mode, kind, mask }) => {
    const lastFour = mask.slice(mask.indexOf('...') + 3);
    return { field: `${mode}_${kind}`, ...(lastFour && { last_four: lastFour }) };
  });
}

/** Whether a write changes nothing, unless it ends former webhook secrets. */
export function changesNothing({ credentials }: ConfigSave, state: ConfigState): boolean {
  return credentials.length === 0 && state?.isActive === true;
}

/** What the history says of a write that follows on `state`. */
export function savedEvent({ credentials, noFormerIn, actor, now }: ConfigSave, state: ConfigState): AuditEvent {
  return {
    action: state?.isActive ? 'config.updated' : 'config.created',
    details: {
      version: (state?.version ?? 0) + 1,
      fields: auditFields(credentials),
      ...(noFormerIn.length > 0 && { former_webhook_secrets_ended: noFormerIn }),
    },
    actor,
    at: now,
  };
}
