import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';

/** Actions on a project and its data. */
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
  'webhook_payload.read',
  'service_account.created',
  'service_account.updated',
  'service_account.rotated',
  'service_account.revoked',
  'gateway_key.created',
  'gateway_key.updated',
  'gateway_key.rotated',
  'gateway_key.revoked',
  'gateway.paused',
  'gateway.resumed',
  'connect_link.created',
  'connect_link.revoked',
  'connect_link.used',
  'event_destination.created',
  'event_destination.updated',
  'event_destination.rotated',
  'event_destination.deleted',
  'event_destination.disabled',
  'member.added',
  'member.changed',
  'member.removed',
  'invitation.created',
  'invitation.withdrawn',
  'project.transferred',
  'history.pruned',
] as const;
export type ProjectAction = (typeof PROJECT_ACTIONS)[number];

/** An action on the installation: a subject and a verb, such as `keys.rotated`. */
export type SystemAction = `${string}.${string}`;

export const HISTORY_RESULTS = ['done', 'valid', 'invalid', 'unavailable'] as const;
export type HistoryResult = (typeof HISTORY_RESULTS)[number];

/**
 * A field that was written or destroyed. Credentials have their last four characters if the mask shows them.
 */
export interface HistoryField {
  readonly field: string;
  readonly last_four?: string;
}

/** Details of an action: names, counts, modes and last four characters, but never a value. */
export interface HistoryDetails {
  readonly mode?: string;
  /** The configuration's version after the action. */
  readonly version?: number;
  readonly fields?: readonly HistoryField[];
  /** Stripe's id of a webhook endpoint. */
  readonly endpoint?: string;
  /** Secrets that were destroyed before their overlap ended. */
  readonly former_webhook_secrets_ended?: readonly HistoryField[];
  /** Our id of a link on which a tenant connects Stripe. */
  readonly connect_link?: string;
  /** Stripe's id of an event. */
  readonly webhook_event?: string;
  /** The id of a gateway key. */
  readonly gateway_key?: string;
  /** The name of the gateway key, service account or event destination after the action. */
  readonly name?: string;
  /** The id of a service account, or of a developer's account. */
  readonly account?: string;
  /** The name of the service account that acted. */
  readonly actor_name?: string;
  /** The subject of the member that was added, changed or removed, or of the new owner. */
  readonly member?: string;
  /** The role that a member or an invitation has after the action, or had before its end. */
  readonly role?: string;
  /** The id of an event destination. */
  readonly destination?: string;
  /** The host of its URL, if that changed. The rest of the URL is never recorded. */
  readonly host?: { readonly before: string; readonly after: string };
  /** Our id of an invitation. Its address is never recorded. */
  readonly invitation?: string;
  readonly [name: string]: unknown;
}

/** An action to be recorded. */
export interface HistoryEvent<Action extends string = ProjectAction> {
  readonly action: Action;
  readonly actor: Actor;
  readonly at: Date;
  readonly details: HistoryDetails;
  /** `done` by default. */
  readonly result?: HistoryResult;
}

/** The end of a chain: number and MAC of the last entry. 0 and an empty text before the first entry. */
export interface HistoryHead {
  readonly seq: number;
  readonly mac: string;
}

export const NO_HEAD: HistoryHead = { seq: 0, mac: '' };

/** The chain of the installation, under the nil UUID (RFC 9562, section 5.9), which no project has. */
export const SYSTEM_CHAIN = '00000000-0000-0000-0000-000000000000' as ProjectId;

/** A stored entry without its MAC. */
export interface EntryContent {
  readonly projectId: ProjectId;
  /** Counts from 1 in each chain. */
  readonly seq: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly actor: Actor;
  readonly action: string;
  readonly result: string;
  /** JSON, kept as the text that the MAC covers. */
  readonly details: string;
}

/** The format of an entry, and the first text that the MAC covers. */
const FORMAT = 'tka1';

export function entryAfter<Action extends string>(
  projectId: ProjectId,
  { seq }: HistoryHead,
  { at, actor, action, details, result = 'done' }: HistoryEvent<Action>,
): EntryContent {
  return {
    projectId,
    seq: seq + 1,
    at: at.toISOString(),
    actor,
    action,
    result,
    details: JSON.stringify(actor.name === undefined ? details : { ...details, actor_name: actor.name }),
  };
}

/** The texts that the MAC of an entry covers, in this order. docs/audit.md shows how to check it. */
export function vouchedFor(
  { projectId, seq, at, actor, action, result, details }: EntryContent,
  previousMac: string,
): string[] {
  const { kind, subject, ip, userAgent, requestId } = actor;
  const facts = [ip, userAgent, requestId].map((fact) => (fact === null ? '' : `=${fact}`));
  return [FORMAT, projectId, String(seq), previousMac, at, kind, subject, ...facts, action, result, details];
}
