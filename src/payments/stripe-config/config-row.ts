import { toTimestamp } from '../../database/database.js';
import type { StoredCredential, StripeConfig } from './stripe-config.js';
import type { ConfigWithCredentialsRow, CredentialValues } from './stripe-config.statements.js';

export function toConfig(row: ConfigWithCredentialsRow): StripeConfig {
  return {
    id: row.id,
    projectId: row.project_id,
    isActive: Boolean(row.is_active),
    version: row.version,
    createdAt: toTimestamp(row.created_at),
    updatedAt: toTimestamp(row.updated_at),
    credentials: toCredentials(row.credentials),
  };
}

function toCredentials(list: ConfigWithCredentialsRow['credentials']): StoredCredential[] {
  return (typeof list === 'string' ? (JSON.parse(list) as CredentialValues[]) : (list ?? [])).map(
    toCredential,
  );
}

function toCredential(values: CredentialValues): StoredCredential {
  const [
    mode,
    kind,
    mask,
    fingerprint,
    accountFingerprint,
    replacedAccountFingerprint,
    looksCutOff,
    writtenAt,
    sharesAccount,
  ] = values;
  return {
    mode,
    kind,
    mask,
    fingerprint,
    accountFingerprint,
    replacedAccountFingerprint,
    looksCutOff: Boolean(looksCutOff),
    writtenAt: toTimestamp(writtenAt),
    sharesAccount: Boolean(sharesAccount),
  };
}
