import type { ProjectId } from '../../common/ids.js';
import type { SealedText } from '../../vault/seal.js';
import type { CredentialField, CredentialKind, StripeMode } from './credential-rules.js';

/** What is known of a stored credential without opening its seal. */
export interface StoredCredential {
  readonly mode: StripeMode;
  readonly kind: CredentialKind;
  readonly mask: string;
  readonly fingerprint: string;
  readonly accountFingerprint: string | null;
  /** Of the key that was in use before, where known. */
  readonly replacedAccountFingerprint: string | null;
  readonly looksCutOff: boolean;
  /** RFC 3339, UTC, milliseconds. */
  readonly writtenAt: string;
}

/** A credential on its way into the database. */
export interface SealedCredential extends Omit<StoredCredential, 'replacedAccountFingerprint' | 'writtenAt'> {
  readonly sealed: SealedText;
  readonly keyId: string;
}

export interface StripeConfig {
  readonly id: string;
  readonly projectId: ProjectId;
  readonly isActive: boolean;
  /** Raised by every real change. */
  readonly version: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly credentials: readonly StoredCredential[];
}

/** The values to store, by field; what is absent or `null` stays as it is. */
export type CredentialChanges = { readonly [Field in CredentialField]?: string | null };
