import type { Secret } from '../../common/secret.js';
import type { Keyring } from '../../vault/keyring.js';
import type { SealContext } from '../../vault/seal.js';
import { CREDENTIAL_RULES, type CredentialRule } from './credential-rules.js';
import { accountPart, looksCutOff, maskCredential } from './credential-shape.js';
import { sealedColumn } from '../../vault/sealed-column.js';

/** What is stored beside a credential in clear, made of its value. */
export function derivedColumns(keyring: Keyring, projectId: string, rule: CredentialRule, value: Secret) {
  const text = value.reveal();
  const account = accountPart(rule, text);
  return {
    mask: maskCredential(rule, text),
    fingerprint: keyring.fingerprint(projectId, 'stripe-credential', text),
    looks_cut_off: looksCutOff(rule, text),
    // Of a key that does not name its account, Stripe may have told it.
    ...(account !== undefined && { account_fingerprint: keyring.fingerprint(projectId, 'stripe-account', account) }),
  };
}

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
  derived: {
    names: ['mask', 'fingerprint', 'account_fingerprint', 'looks_cut_off'],
    of: (keyring, { project_id: projectId = '', mode, kind }, value) => {
      const rule = CREDENTIAL_RULES.find(({ field }) => field === `${mode}_${kind}`);
      return rule ? derivedColumns(keyring, projectId, rule, value) : {};
    },
  },
});
