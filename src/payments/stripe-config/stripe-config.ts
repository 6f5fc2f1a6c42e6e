import type { AuditHead } from '../../audit/audit-event.js';
import type { Actor } from '../../common/actor.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import type { Steps } from '../../database/database.js';
import type { SealedText } from '../../vault/seal.js';
import type { ConfigState, Precondition } from './precondition.js';
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
  /** Of a secret key: whether Stripe named its account for another project of the same owner too, in the same mode. */
  readonly sharesAccount?: boolean;
}

/** A credential on its way into the database. */
export interface SealedCredential extends Omit<StoredCredential, 'replacedAccountFingerprint' | 'writtenAt' | 'sharesAccount'> {
  readonly sealed: SealedText;
  readonly keyId: string;
}

/** A live project and the state of its configuration, read together with the end of its history. */
export interface SeenConfig {
  readonly id: ProjectId;
  readonly ownerId: OwnerId;
  readonly state: ConfigState;
  readonly head: AuditHead;
  /** PostgreSQL alone, which takes them for a write in one statement. */
  readonly credentials: readonly StoredCredential[];
}

export interface SaveOptions extends Precondition {
  /** What the caller read just now. With it the write need not look; should it be out of date, the write looks again. */
  readonly seen?: SeenConfig;
  /**
   * Seconds that a webhook secret which is replaced stays valid, the operator's setting if absent. 0 ends also what still runs: in the
   * modes whose webhook secret is given or, without any, in both.
   */
  readonly webhookSecretOverlap?: number;
}

/** One write of a configuration. */
export interface ConfigSave {
  readonly projectId: ProjectId;
  readonly credentials: readonly SealedCredential[];
  readonly precondition: Precondition;
  readonly seen?: SeenConfig;
  /** How long a webhook secret that is replaced stays valid. */
  readonly formerValidUntil: Date;
  /** The modes in which no former webhook secret stays valid, neither one that is replaced now nor an earlier one. */
  readonly noFormerIn: readonly StripeMode[];
  readonly actor: Actor;
  readonly now: Date;
}

/** What goes with storing or destroying the signing secret of a webhook endpoint that was made here. */
export interface EndpointChange {
  /** Stripe's id. */
  readonly endpointId: string;
  readonly actor: Actor;
  /** Writes what is known of the endpoint. @returns whether it did */
  readonly write: () => Steps<boolean>;
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
