import type { Actor } from '../common/actor.js';
import type { ProjectId } from '../common/ids.js';
import type { AuditEvent, AuditHead } from './audit-event.js';

/** An entry without what vouches for it, as the database holds it. */
export interface AuditContent {
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
  { seq }: AuditHead,
  { at, actor, action, details, result = 'done' }: AuditEvent<Action>,
): AuditContent {
  return { projectId, seq: seq + 1, at: at.toISOString(), actor, action, result, details: JSON.stringify(details) };
}

/** Every text that the MAC of an entry covers, in this order; docs/audit.md tells how to check it. */
export function vouchedFor({ projectId, seq, at, actor, action, result, details }: AuditContent, previousMac: string): string[] {
  const { kind, subject, ip, userAgent, requestId } = actor;
  const facts = [ip, userAgent, requestId].map((fact) => (fact === null ? '' : `=${fact}`));
  return [FORMAT, projectId, String(seq), previousMac, at, kind, subject, ...facts, action, result, details];
}
