import type { Actor } from '../../common/actor.js';
import type { ProjectId } from '../../common/ids.js';
import type { Steps } from '../../database/database.js';
import type { SealedText } from '../../vault/seal/seal.js';
import type { Precondition } from './precondition.js';
import type { StripeMode } from '../stripe/stripe-mode.js';
import type { CredentialField, CredentialKind } from './credential-rules.js';

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
export interface SealedCredential extends Omit<
  StoredCredential,
  'replacedAccountFingerprint' | 'writtenAt' | 'sharesAccount'
> {
  readonly sealed: SealedText;
  readonly keyId: string;
}

/** Who writes a configuration, and under which conditions. */
export interface WriteOptions extends Precondition {
  /** For the history; another module of the process if absent. */
  readonly actor?: Actor;
}

export interface SaveOptions extends WriteOptions {
  /**
   * Seconds for which a replaced webhook secret stays valid; the operator's setting if absent. 0 also ends overlaps that still run: in the
   * modes whose webhook secret is given or, without any, in both.
   */
  readonly webhookSecretOverlap?: number;
}

/** How long replaced webhook secrets stay valid. */
export interface Overlap {
  readonly validUntil: Date;
  /** Modes in which no former webhook secret stays valid, neither the one replaced now nor an earlier one. */
  readonly modesWithout: readonly StripeMode[];
}

export interface ConfigWrite {
  readonly projectId: ProjectId;
  readonly precondition: Precondition;
  readonly actor: Actor;
  readonly now: Date;
}

export interface ConfigSave extends ConfigWrite {
  readonly credentials: readonly SealedCredential[];
  readonly overlap: Overlap;
}

/** The signing secret of an endpoint that was made with the secret key that has `keyFingerprint`. */
export interface WebhookSecretSave {
  readonly projectId: ProjectId;
  readonly secret: SealedCredential;
  readonly keyFingerprint: string;
  readonly overlap: Overlap;
  readonly endpoint: EndpointChange;
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
