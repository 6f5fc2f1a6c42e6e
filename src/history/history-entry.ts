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

export const HISTORY_RESULTS = ['done', 'valid', 'invalid', 'unavailable'] as const;
export type HistoryResult = (typeof HISTORY_RESULTS)[number];

/** A field that was written or destroyed, by its name; of a credential the last four characters, where its mask shows them. */
export interface HistoryField {
  readonly field: string;
  readonly last_four?: string;
}

/** The particulars. Never a value: names, counts, modes, last fours. */
export interface HistoryDetails {
  readonly mode?: string;
  /** Of the configuration, once it was done. */
  readonly version?: number;
  readonly fields?: readonly HistoryField[];
  /** Stripe's id of a webhook endpoint. */
  readonly endpoint?: string;
  /** Those that were destroyed before their time. */
  readonly former_webhook_secrets_ended?: readonly HistoryField[];
  readonly [name: string]: unknown;
}

/** Something that was done, on its way into the history. */
export interface HistoryEvent<Action extends string = ProjectAction> {
  readonly action: Action;
  readonly actor: Actor;
  readonly at: Date;
  readonly details: HistoryDetails;
  /** `done` unless it says otherwise. */
  readonly result?: HistoryResult;
}

/** Where a chain ends: the number of entries ever written and the last one's MAC; before the first 0 and the empty text. */
export interface HistoryHead {
  readonly seq: number;
  readonly mac: string;
}

export const NO_HEAD: HistoryHead = { seq: 0, mac: '' };

/** The chain of what belongs to no project, under the nil UUID (RFC 9562, section 5.9), which no project has. */
export const SYSTEM_CHAIN = '00000000-0000-0000-0000-000000000000' as ProjectId;

/** An entry without what vouches for it, as the database holds it. */
export interface EntryContent {
  readonly projectId: ProjectId;
  /** Counts from 1 in each chain. */
  readonly seq: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly actor: Actor;
  readonly action: string;
  readonly result: string;
  /** JSON, kept as the text that was vouched for. */
  readonly details: string;
}

/** The first part of what is vouched for: another form of entry gets another one. */
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
    details: JSON.stringify(details),
  };
}

/** Every text that the MAC of an entry covers, in this order; docs/audit.md tells how to check it. */
export function vouchedFor(
  { projectId, seq, at, actor, action, result, details }: EntryContent,
  previousMac: string,
): string[] {
  const { kind, subject, ip, userAgent, requestId } = actor;
  const facts = [ip, userAgent, requestId].map((fact) => (fact === null ? '' : `=${fact}`));
  return [FORMAT, projectId, String(seq), previousMac, at, kind, subject, ...facts, action, result, details];
}
