import { Injectable } from '@nestjs/common';
import { DomainError } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import type { RowOf } from '../../database/columns.js';
import { Keyring } from '../../vault/keys/keyring.js';
import { SealBroken, type SealContext, type SealedText } from '../../vault/seal/seal.js';
import { sealedColumn } from '../../vault/seal/sealed-column.js';
import {
  accountPart,
  CREDENTIAL_RULES,
  type CredentialField,
  type CredentialRule,
  looksCutOff,
  maskCredential,
} from './credential-rules.js';
import type { StripeCredentialEntity } from './stripe-config.entities.js';

/** A sealed credential to store. */
export type SealedCredential = Pick<
  RowOf<StripeCredentialEntity>,
  'mode' | 'kind' | 'mask' | 'fingerprint' | 'accountFingerprint' | 'looksCutOff' | 'sealed' | 'keyId'
>;

/** Plaintext columns that derive from a credential's value. */
function derivedColumns(keyring: Keyring, projectId: string, rule: CredentialRule, value: Secret) {
  const text = value.reveal();
  const account = accountPart(rule, text);
  return {
    mask: maskCredential(rule, text),
    fingerprint: keyring.fingerprint(projectId, 'stripe-credential', text),
    looks_cut_off: looksCutOff(rule, text),
    // Omitted for a key without an account: the stored fingerprint may come from Stripe.
    ...(account !== undefined && {
      account_fingerprint: keyring.fingerprint(projectId, 'stripe-account', account),
    }),
  };
}

/** Context that binds a seal to its row. @param field such as `test_secret_key` */
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

/** Seals and unseals credentials. Derives masks and fingerprints, so that no other code needs the value. */
@Injectable()
export class CredentialSealer {
  constructor(private readonly keyring: Keyring) {}

  seal(projectId: ProjectId, rule: CredentialRule, value: Secret): SealedCredential {
    const { mode, kind, field } = rule;
    const {
      mask,
      fingerprint,
      looks_cut_off: isCutOff,
      account_fingerprint: account = null,
    } = derivedColumns(this.keyring, projectId, rule, value);
    const sealed = this.keyring.seal(credentialContext(projectId, field), value);
    return { mode, kind, mask, fingerprint, accountFingerprint: account, looksCutOff: isCutOff, ...sealed };
  }

  /** Runs `write`, which seals and stores. Retries once if the data key was retired meanwhile. */
  withCurrentKey<T>(write: () => Promise<T>): Promise<T> {
    return this.keyring.withCurrentKey(write);
  }

  /** @throws DomainError `credential_unreadable` if the text was not sealed for this field and project */
  async unseal(projectId: ProjectId, field: CredentialField, sealed: SealedText): Promise<Secret> {
    try {
      return await this.keyring.unseal(credentialContext(projectId, field), sealed);
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      const message = `The stored ${field.replaceAll('_', ' ')} can not be opened: it was altered in the database. Store it again.`;
      throw new DomainError('credential_unreadable', message, { cause: error });
    }
  }

  fingerprint(projectId: ProjectId, value: Secret): string {
    return this.keyring.fingerprint(projectId, 'stripe-credential', value.reveal());
  }

  /** @param accountId with or without `acct_` */
  accountFingerprint(projectId: ProjectId, accountId: string): string {
    return this.keyring.fingerprint(projectId, 'stripe-account', accountId.replace(/^acct_/, ''));
  }
}
