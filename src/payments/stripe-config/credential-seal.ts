import type { SealContext } from '../../vault/seal.js';
import { sealedColumn } from '../../vault/sealed-column.js';

/** Where a stored credential belongs. @param field such as `test_secret_key` */
export function credentialContext(projectId: string, field: string): SealContext {
  return { purpose: 'stripe-credential', tenant: projectId, field };
}

export const SEALED_CREDENTIALS = sealedColumn({
  table: 'stripe_credentials',
  primaryKey: ['project_id', 'mode', 'kind', 'slot'],
  sealed: 'sealed',
  keyId: 'key_id',
  contextOf: ({ project_id, mode, kind }) => credentialContext(project_id, `${mode}_${kind}`),
});
