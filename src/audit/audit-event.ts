import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';

/** What is done to a project and what belongs to it. */
export const PROJECT_ACTIONS = [
  'project.created',
  'project.updated',
  'project.deleted',
  'config.created',
  'config.updated',
  'config.deleted',
  'config.mode_deleted',
  'credentials.validated',
  'credentials.refused',
  'webhook_endpoint.created',
  'webhook_endpoint.removed',
  'webhook_secret.expired',
  'history.pruned',
] as const;
export type ProjectAction = (typeof PROJECT_ACTIONS)[number];

/** What is done to the installation: a room and what happened in it, such as `keys.rotated`. */
export type SystemAction = `${string}.${string}`;

export const AUDIT_RESULTS = ['done', 'valid', 'invalid', 'unavailable'] as const;
export type AuditResult = (typeof AUDIT_RESULTS)[number];

/** A field that was written or destroyed, by its name; of a credential the last four characters, where its mask shows them. */
export interface AuditField {
  readonly field: string;
  readonly last_four?: string;
}

/** The particulars. Never a value: names, counts, modes, last fours. */
export interface AuditDetails {
  readonly mode?: string;
  /** Of the configuration, once it was done. */
  readonly version?: number;
  readonly fields?: readonly AuditField[];
  /** Stripe's id of a webhook endpoint. */
  readonly endpoint?: string;
  /** Those that were destroyed before their time. */
  readonly former_webhook_secrets_ended?: readonly AuditField[];
  readonly [name: string]: unknown;
}

/** Something that was done, on its way into the history. */
export interface AuditEvent<Action extends string = ProjectAction> {
  readonly action: Action;
  readonly actor: Actor;
  readonly at: Date;
  readonly details: AuditDetails;
  /** `done` unless it says otherwise. */
  readonly result?: AuditResult;
}

/** Where a chain ends: the number of entries ever written and the last one's MAC; before the first 0 and the empty text. */
export interface AuditHead {
  readonly seq: number;
  readonly mac: string;
}

export const NO_HEAD: AuditHead = { seq: 0, mac: '' };

/** The chain of what belongs to no project, under the nil UUID (RFC 9562, section 5.9), which no project has. */
export const SYSTEM_CHAIN = '00000000-0000-0000-0000-000000000000' as ProjectId;
