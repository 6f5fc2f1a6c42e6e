import { bitOf, PROJECT_PROBLEMS, type ProjectProblem } from '../../../projects/project.entity.js';
import type { DurableEvent, EndpointProblem, SignatureCause } from '../../payments-events.js';
import type { ConnectionCheckRow, ConnectionFacts } from './connection-checks.statements.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** At least daily, with time for a process that takes over. */
const CHECK_AFTER_MS = 23 * HOUR_MS;
/** Refused deliveries in a row that make an event. */
const MANY_FAILURES = 5;

/** New values of a row, and the events about them. */
export interface ConnectionChange {
  readonly row: Partial<ConnectionCheckRow>;
  readonly events?: readonly DurableEvent[];
}
export type Decide = (row: ConnectionCheckRow, facts: ConnectionFacts) => ConnectionChange;

/** The endpoint that was made here, as Stripe has it. */
export interface CheckedEndpoint {
  readonly id: string;
  readonly problem: EndpointProblem | null;
}

/**
 * A check of key and endpoint. Nothing is concluded of an endpoint that was replaced or repaired after Stripe was
 * asked.
 * @param endpoint `undefined` if none was made here
 * @param askedAt before Stripe was asked; absent after a repair
 */
export function checked(endpoint: CheckedEndpoint | undefined, now: Date, askedAt?: Date): Decide {
  return (row, { endpointId }) => {
    const times = { checkedAt: now, dueAt: new Date(now.getTime() + CHECK_AFTER_MS) };
    const isOutdated = row.checkedAt !== null && askedAt !== undefined && row.checkedAt > askedAt;
    if ((endpoint?.id ?? null) !== endpointId || isOutdated) return { row: times };
    const problem = endpoint?.problem ?? null;
    const endpointProblemSince = problem && (row.endpointProblemSince ?? now);
    const change = { row: { ...times, endpointProblem: problem, endpointProblemSince } };
    if (!endpoint || (problem === null) === (row.endpointProblem === null)) return change;
    const about = { ...tenantOf(row), endpoint: { id: endpoint.id } };
    if (problem) return { ...change, events: [['endpoint.disabled', { ...about, problem }]] };
    // Events don't arrive again before the silence ends too.
    return row.silentSince ? change : { ...change, events: [['endpoint.recovered', about]] };
  };
}

/** Events of Stripe that never arrived, in a project that usually gets events. */
export function silent(lastEventAt: Date, missedEvents: number, now: Date): Decide {
  return (row, { endpointId }) => {
    if (row.silentSince) return { row: {} };
    const about = { ...tenantOf(row), endpoint: { id: endpointId } };
    const event = { ...about, lastEventAt: lastEventAt.toISOString(), missedEvents };
    return { row: { silentSince: now }, events: [['endpoint.silent', event]] };
  };
}

/** Deliveries that were refused for their signature, while none was accepted. */
export interface SignatureFailures {
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly cause: SignatureCause;
}

/** A delivery that is accepted, another secret, and a day without failures each start the count again. */
export function signaturesFailed({ count, firstAt, lastAt, cause }: SignatureFailures): Decide {
  return (row, { lastDeliveredAt, secretWrittenAt }) => {
    const { signatureFailedAt: failedAt } = row;
    const isOver = [lastDeliveredAt, secretWrittenAt].some((time) => failedAt && time && time >= failedAt);
    const isFirst = !failedAt || isOver || firstAt.getTime() - failedAt.getTime() > DAY_MS;
    const known = isFirst ? undefined : row;
    const failures = (known?.signatureFailures ?? 0) + count;
    const since = known?.signatureFailuresSince ?? firstAt;
    // A cause that was proven once stays.
    const likely = cause === 'wrong_secret' ? (known?.signatureCause ?? cause) : cause;
    const told = known?.signaturesFailingSince ?? null;
    const isNews = !told && failures >= MANY_FAILURES;
    const event = { ...tenantOf(row), cause: likely, failures, since: since.toISOString() };
    return {
      row: {
        signatureFailures: failures,
        signatureFailuresSince: since,
        signatureFailedAt: lastAt,
        signatureCause: likely,
        signaturesFailingSince: isNews ? lastAt : told,
      },
      events: isNews ? [['signatures.failing', event]] : [],
    };
  };
}

/** Uses of webhook secrets during an overlap. */
export type SecretUses = Partial<
  Pick<ConnectionCheckRow, 'secretUsedAt' | 'formerSecretUsedAt' | 'formerSecretUntil'>
>;

/** Ends problems that are over, and warns of a former secret that ends while it is in use. */
export function settled(now: Date): Decide {
  return (row, facts) => {
    const { lastDeliveredAt, secretWrittenAt, endpointId } = facts;
    const isAfter = (time: Date | null) =>
      lastDeliveredAt !== null && time !== null && lastDeliveredAt > time;
    const changes: { -readonly [Key in keyof ConnectionCheckRow]?: ConnectionCheckRow[Key] } = {};
    const events: DurableEvent[] = [];
    // An endpoint in an account whose key was destroyed is not looked at any more.
    const hasProblem = row.endpointProblem !== null && endpointId !== null && facts.hasSecretKey;
    if (row.endpointProblem && !hasProblem)
      Object.assign(changes, { endpointProblem: null, endpointProblemSince: null });
    // Without a secret no event can arrive, so nothing works again.
    if (isAfter(row.silentSince) && secretWrittenAt && !hasProblem)
      events.push(['endpoint.recovered', { ...tenantOf(row), endpoint: { id: endpointId } }]);
    if (row.silentSince && (isAfter(row.silentSince) || !secretWrittenAt)) changes.silentSince = null;
    if (row.signatureFailedAt && (isAfter(row.signatureFailedAt) || !secretWrittenAt))
      Object.assign(changes, { signatureFailures: 0, ...NO_FAILURES });
    const { formerSecretUntil: until, formerSecretUsedAt: usedAt } = row;
    if (until && (until <= now || !facts.hasFormerSecret))
      Object.assign(changes, { formerSecretUsedAt: null, formerSecretUntil: null, warnedUntil: null });
    else if (until && usedAt && isFormerInUse(row) && until.getTime() - now.getTime() <= DAY_MS) {
      if (row.warnedUntil?.getTime() !== until.getTime()) {
        changes.warnedUntil = until;
        const webhookSecret = { validUntil: until.toISOString(), lastUsedAt: usedAt.toISOString() };
        events.push(['credentials.expiring', { ...tenantOf(row), webhookSecret }]);
      }
    }
    return { row: changes, events };
  };
}

const NO_FAILURES = {
  signatureFailuresSince: null,
  signatureFailedAt: null,
  signatureCause: null,
  signaturesFailingSince: null,
};

/** Whether the last delivery had the signature of a former secret. */
function isFormerInUse({ secretUsedAt, formerSecretUsedAt }: ConnectionCheckRow): boolean {
  return formerSecretUsedAt !== null && (secretUsedAt === null || secretUsedAt < formerSecretUsedAt);
}

function problemsOf(row: ConnectionCheckRow): ProjectProblem[] {
  const has: Record<ProjectProblem, boolean> = {
    endpoint_disabled: row.endpointProblem !== null,
    endpoint_silent: row.silentSince !== null,
    signatures_failing: row.signaturesFailingSince !== null,
    credentials_expiring: row.warnedUntil !== null && isFormerInUse(row),
  };
  return PROJECT_PROBLEMS.filter((problem) => has[problem]);
}

/** The value of `projects.problems` for both modes; `null` without a problem. */
export function problemBits(rows: readonly ConnectionCheckRow[]): number | null {
  const problems = new Set(rows.flatMap(problemsOf));
  return [...problems].reduce((sum, problem) => sum + bitOf(problem), 0) || null;
}

function tenantOf({ projectId, mode }: ConnectionCheckRow) {
  return { projectId, mode };
}
