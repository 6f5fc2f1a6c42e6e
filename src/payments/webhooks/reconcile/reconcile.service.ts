import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { DomainError, type ErrorCode } from '../../../common/errors.js';
import { isDatabaseUnavailable } from '../../../database/database-errors.js';
import { LedgerService } from '../../ledger/ledger.service.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { StripeClients } from '../../stripe-config/keys/stripe-clients.js';
import { EventHandlerService } from '../events/event-handler.service.js';
import { EventReader } from '../events/event-reader.js';
import { WebhookEventsRepository } from '../events/webhook-events.repository.js';
import { EVENT_BATCHES } from '../handled-events.js';
import {
  findSubscription,
  isCursorGone,
  listEvents,
  listSubscriptions,
  OVERLAP_MS,
  type Page,
  PAST_LISTS,
  PAGE_SIZE,
} from './reconcile-pages.js';
import { ReconcileReport } from './reconcile.dto.js';
import { type Pass, ReconciliationsRepository } from './reconciliations.repository.js';

/** Stripe deletes events after 30 days. */
const MAX_AGE_MS = 30 * 24 * 60 * 60 * 1000;
/**
 * Missing subscriptions that are looked up for each page. A key of another account would miss all of them.
 */
const MAX_ABSENT = 50;
/** Concurrent lookups, so that one page fits into one request: an interrupted page is repeated as a whole. */
const MAX_CONCURRENT = 10;

/** Failures that concern the whole account, or this service. */
const ENDS_PASS: readonly ErrorCode[] = [
  'database_unavailable',
  'stripe_key_refused',
  'stripe_permission_missing',
];

interface Options {
  /** Start of the time range whose events are read; by default the end of the last complete pass. */
  readonly since?: Date | undefined;
  /** Whether to read the lists of the past first, unless that was done or begun with the current key. */
  readonly isBackfill?: boolean;
  /** Interrupts the pass; the next call resumes it. */
  readonly signal: AbortSignal;
}

/** One call of `reconcile`. */
interface Run {
  readonly tenant: ProjectMode;
  readonly stripe: Stripe;
  readonly signal: AbortSignal;
  /** Whether it resumes an interrupted pass. */
  readonly isResumed: boolean;
  /** Whether all events before the pass were read. If so, its end moves `knownUntil`. */
  readonly isGapless: boolean;
  readonly report: ReconcileReport;
}

/**
 * Applies events that were never delivered, then compares every subscription with Stripe's. Deliveries may
 * run at the same time: both use `EventHandlerService`.
 */
@Injectable()
export class ReconcileService {
  readonly #running = new Set<string>();

  constructor(
    private readonly clients: StripeClients,
    private readonly handler: EventHandlerService,
    private readonly reader: EventReader,
    private readonly ledger: LedgerService,
    private readonly events: WebhookEventsRepository,
    private readonly passes: ReconciliationsRepository,
  ) {}

  /**
   * Keeps its progress, so that the next call resumes after an error or an abort.
   * @returns the report, incomplete after an abort
   * @throws DomainError `already_running`, `stripe_key_refused`, `stripe_permission_missing`,
   * `stripe_unavailable`, `database_unavailable` and what `StripeClients.for` throws
   */
  async reconcile(
    tenant: ProjectMode,
    { since, signal, isBackfill = false }: Options,
  ): Promise<ReconcileReport> {
    const { projectId, mode } = tenant;
    const lock = `${mode} ${projectId}`;
    if (this.#running.has(lock)) throw alreadyRunning();
    this.#running.add(lock);
    try {
      // Read before the key: a key that is replaced meanwhile is then newer than the pass.
      const now = new Date();
      const stripe = await this.clients.for(projectId, mode);
      const { pass, ...kind } = await this.#resumeOrBegin(tenant, since, now, isBackfill);
      const report = new ReconcileReport(mode, pass.since);
      try {
        await this.#runSteps({ tenant, stripe, signal, ...kind, report }, pass);
      } finally {
        await this.passes.tellRepairs(tenant, report);
      }
      report.isComplete = !signal.aborted;
      return report;
    } finally {
      this.#running.delete(lock);
    }
  }

  /** Resumes the interrupted pass, unless it began after the requested start. */
  async #resumeOrBegin(
    tenant: ProjectMode,
    since: Date | undefined,
    startedAt: Date,
    isBackfill: boolean,
  ): Promise<{ pass: Pass } & Pick<Run, 'isResumed' | 'isGapless'>> {
    const { knownUntil = new Date(0), unsettledSince = knownUntil } = await this.passes.findStart(tenant);
    const overlapStart = new Date(knownUntil.getTime() - OVERLAP_MS);
    const unfinished = await this.passes.findUnfinished(tenant);
    if (isBackfill && unfinished?.phase !== 'past' && !(await this.passes.isBackfilled(tenant))) {
      const whole = limitAge(new Date(0), startedAt);
      const pass: Pass = { since: whole, startedAt, phase: 'past', batch: 0, cursor: null };
      return { pass, isResumed: false, isGapless: true };
    }
    const isResumed =
      unfinished !== undefined && unfinished.since <= limitAge(since ?? overlapStart, startedAt);
    const from = since ?? new Date(Math.min(overlapStart.getTime(), unsettledSince.getTime()));
    const pass: Pass = isResumed
      ? unfinished
      : { since: limitAge(from, startedAt), startedAt, phase: 'events', batch: 0, cursor: null };
    return { pass, isResumed, isGapless: pass.since <= limitAge(overlapStart, pass.startedAt) };
  }

  async #runSteps(run: Run, first: Pass): Promise<void> {
    let pass = first;
    while (pass.phase !== null && !run.signal.aborted) {
      const { phase } = pass;
      pass = await this.#step(run, pass);
      // An interrupted step is not saved, so the next call repeats it.
      if (run.signal.aborted) return;
      await this.passes.save(run.tenant, pass, run.isGapless);
      if (phase === 'past' && pass.phase !== 'past' && run.report.events.failed === 0)
        await this.passes.markBackfilled(run.tenant);
    }
  }

  /** Reads and handles one page. */
  async #step(run: Run, pass: Pass): Promise<Pass> {
    try {
      const page = await this.#readPage(run, pass);
      return page.hasMore
        ? { ...pass, cursor: page.data.at(-1)?.id ?? null }
        : { ...pass, ...stepAfter(pass, run), cursor: null };
    } catch (error) {
      if (pass.cursor === null || !isCursorGone(error)) throw error;
      return { ...pass, cursor: null };
    }
  }

  #readPage(run: Run, pass: Pass): Promise<Page<{ id: string }>> {
    if (pass.phase === 'past') return this.#recordPast(run, pass);
    return pass.phase === 'subscriptions'
      ? this.#compareSubscriptions(run, pass)
      : this.#applyEvents(run, pass);
  }

  /** Records a page of what the account had before. The merge keeps newer states that events brought meanwhile. */
  async #recordPast({ tenant, stripe, signal, report }: Run, pass: Pass): Promise<Page<{ id: string }>> {
    const list = PAST_LISTS[pass.batch] ?? listSubscriptions;
    const page = await list(stripe, pass);
    for (const object of page.data) {
      if (signal.aborted) break;
      try {
        await this.ledger.record(tenant, object, page.time);
      } catch (error) {
        if (!(error instanceof DomainError) || ENDS_PASS.includes(error.code)) throw error;
        report.addFailure({ id: object.id, type: object.object, reason: error.message });
      }
    }
    return page;
  }

  /** Applies the oldest first. */
  async #applyEvents(run: Run, pass: Pass): Promise<Page<Stripe.Event>> {
    const page = await listEvents(run.stripe, pass);
    const ids = page.data.map(({ id }) => id);
    const known = await this.events.findKnown(run.tenant, ids);
    run.report.events.read += page.data.length;
    for (const listed of page.data.toReversed()) {
      if (run.signal.aborted) break;
      if (known.get(listed.id)) run.report.events.known += 1;
      else await this.#applyEvent(run, listed, known.has(listed.id));
    }
    return page;
  }

  async #applyEvent({ tenant, report }: Run, listed: Stripe.Event, hasArrived: boolean): Promise<void> {
    const event = await this.reader.read(tenant, Buffer.from(JSON.stringify(listed)));
    if (event === 'unreadable') report.events.unreadable += 1;
    if (typeof event === 'string') return;
    try {
      const handled = await this.handler.handle(event);
      report.events[handled === 'duplicate' ? 'known' : handled] += 1;
      if (handled === 'applied' && !hasArrived) report.missedEvents += 1;
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      report.addFailure({
        id: event.id,
        type: event.type,
        reason: error instanceof DomainError ? error.message : 'Something went wrong on our side.',
      });
    }
  }

  async #compareSubscriptions(run: Run, pass: Pass): Promise<Page<Stripe.Subscription>> {
    const { tenant, stripe, signal, report } = run;
    const page = await listSubscriptions(stripe, pass);
    for (const subscription of page.data) {
      if (signal.aborted) break;
      report.subscriptions.compared += 1;
      if (await this.ledger.record(tenant, subscription, page.time)) report.addRepair(subscription.id);
    }
    const absent = await this.#findAbsent(run, pass, page);
    while (absent.length > 0 && !signal.aborted) {
      const ids = absent.splice(0, MAX_CONCURRENT);
      const answers = await Promise.all(ids.map((id) => findSubscription(stripe, id, page.time)));
      for (const [index, id] of ids.entries()) {
        const found = answers[index];
        if (!found) report.addMissing(id);
        else if (await this.ledger.record(tenant, found.subscription, found.time)) report.addRepair(id);
      }
    }
    return page;
  }

  /**
   * Lists subscriptions that have not ended here and should be on this page of Stripe's list, but aren't.
   * Stripe's lists may be stale, so each has to be looked up.
   */
  async #findAbsent(
    { tenant }: Run,
    { cursor }: Pass,
    { data, hasMore }: Page<Stripe.Subscription>,
  ): Promise<string[]> {
    const from = new Date((hasMore ? (data.at(-1)?.created ?? 0) : 0) * 1000);
    const limit = PAGE_SIZE + MAX_ABSENT;
    const running = await this.passes.listRunning(tenant, { after: cursor, from, limit });
    return running.filter((id) => data.every((listed) => listed.id !== id)).slice(0, MAX_ABSENT);
  }
}

/** A resumed pass covers the time until its start, so it ends with the events since then. */
function stepAfter({ phase, batch }: Pass, { isResumed }: Run): Pick<Pass, 'phase' | 'batch'> {
  if (phase === 'past')
    return batch + 1 < PAST_LISTS.length ? { phase, batch: batch + 1 } : { phase: 'events', batch: 0 };
  if (phase !== 'subscriptions' && batch + 1 < EVENT_BATCHES.length) return { phase, batch: batch + 1 };
  if (phase === 'events') return { phase: 'subscriptions', batch: 0 };
  return { phase: phase === 'subscriptions' && isResumed ? 'later events' : null, batch: 0 };
}

function limitAge(time: Date, now: Date): Date {
  return new Date(Math.max(time.getTime(), now.getTime() - MAX_AGE_MS));
}

function alreadyRunning(): DomainError {
  const message = 'This project is being reconciled right now; try again shortly.';
  return new DomainError('already_running', message, { retryAfterSeconds: 5 });
}
