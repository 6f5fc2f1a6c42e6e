import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { DomainError } from '../../../common/errors.js';
import type { ProjectId } from '../../../common/ids.js';
import { isDatabaseUnavailable } from '../../../database/database-errors.js';
import { LedgerService } from '../../ledger/ledger.service.js';
import { StripeClients } from '../../stripe-config/keys/stripe-clients.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { EventHandlerService } from '../events/event-handler.service.js';
import { EventReader } from '../events/event-payloads.js';
import { EVENT_BATCHES } from '../handled-events.js';
import {
  findSubscription,
  isCursorGone,
  listEvents,
  listSubscriptions,
  OVERLAP_MS,
  type Page,
} from './reconcile-pages.js';
import { ReconcileReport } from './reconcile.dto.js';
import { type Pass, ReconciliationsRepository } from './reconciliations.repository.js';
import { WebhookEventsRepository } from '../events/webhook-events.repository.js';

/** How long Stripe keeps events. */
const OLDEST_MS = 30 * 24 * 60 * 60 * 1000;
/** Of subscriptions that one page of Stripe's list lacks, how many Stripe is asked for: where a key is of another account it lacks all. */
const MAX_ABSENT = 50;
/** How many of those at once, so that a page fits into one request: what was cut short is taken again. */
const MAX_QUESTIONS = 10;
/** Those that it has, and those. */
const MAX_RUNNING = 100 + MAX_ABSENT;

interface Options {
  /** From where on; by default from where all is known. */
  readonly since?: Date | undefined;
  /** Ends it between two steps; the next call goes on. */
  readonly signal: AbortSignal;
}

/** What one pass works with. */
interface Work {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
  readonly stripe: Stripe;
  readonly signal: AbortSignal;
  /** Whether it goes on with a pass that was cut short. */
  readonly isResumed: boolean;
  /** Whether all before it is known, so that at its end all until it started is. */
  readonly isGapless: boolean;
  readonly report: ReconcileReport;
}

/** Asks Stripe what was missed: events through the handler of deliveries, then how every subscription is. Safe beside deliveries. */
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
   * @returns what was found; not complete when the signal came first
   * @throws DomainError `already_running`, `stripe_key_refused`, `stripe_permission_missing`, `stripe_unavailable`, `database_unavailable`
   * and what `StripeClients.for` throws. What was done stays done, and the next call goes on from there.
   */
  async reconcile(
    projectId: ProjectId,
    mode: StripeMode,
    { since, signal }: Options,
  ): Promise<ReconcileReport> {
    const running = `${mode} ${projectId}`;
    if (this.#running.has(running)) throw alreadyRunning();
    this.#running.add(running);
    try {
      // Before the key is read: one that is written meanwhile is newer than the pass.
      const now = new Date();
      const stripe = await this.clients.for(projectId, mode);
      const { pass, ...kind } = await this.#resumeOrBegin(projectId, mode, since, now);
      const work = {
        projectId,
        mode,
        stripe,
        signal,
        ...kind,
        report: new ReconcileReport(mode, pass.since),
      };
      await this.#run(work, pass);
      work.report.isComplete = !signal.aborted;
      return work.report;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Goes on with the pass that was cut short, unless that one leaves out some of what is asked for now. */
  async #resumeOrBegin(
    projectId: ProjectId,
    mode: StripeMode,
    since: Date | undefined,
    startedAt: Date,
  ): Promise<{ pass: Pass } & Pick<Work, 'isResumed' | 'isGapless'>> {
    const { knownUntil = new Date(0), unsettledSince = knownUntil } = await this.passes.findStart(
      projectId,
      mode,
    );
    const surelyKnownUntil = new Date(knownUntil.getTime() - OVERLAP_MS);
    const unfinished = await this.passes.findUnfinished(projectId, mode);
    const isResumed =
      unfinished !== undefined && unfinished.since <= notTooOld(since ?? surelyKnownUntil, startedAt);
    const from = since ?? new Date(Math.min(surelyKnownUntil.getTime(), unsettledSince.getTime()));
    const pass: Pass = isResumed
      ? unfinished
      : { since: notTooOld(from, startedAt), startedAt, phase: 'events', batch: 0, cursor: null };
    return { pass, isResumed, isGapless: pass.since <= notTooOld(surelyKnownUntil, pass.startedAt) };
  }

  async #run(work: Work, first: Pass): Promise<void> {
    let pass = first;
    while (pass.phase !== null && !work.signal.aborted) {
      pass = await this.#step(work, pass);
      // A step that was cut short is taken again.
      if (!work.signal.aborted) await this.passes.save(work.projectId, work.mode, pass, work.isGapless);
    }
  }

  /** Reads and handles one page. */
  async #step(work: Work, pass: Pass): Promise<Pass> {
    try {
      const page =
        pass.phase === 'subscriptions' ? await this.#compare(work, pass) : await this.#handle(work, pass);
      return page.hasMore
        ? { ...pass, cursor: page.data.at(-1)?.id ?? null }
        : { ...pass, ...stepAfter(pass, work), cursor: null };
    } catch (error) {
      if (pass.cursor === null || !isCursorGone(error)) throw error;
      return { ...pass, cursor: null };
    }
  }

  async #handle({ projectId, mode, stripe, signal, report }: Work, pass: Pass): Promise<Page<Stripe.Event>> {
    const page = await listEvents(stripe, pass);
    const ids = page.data.map(({ id }) => id);
    const settled = await this.events.findSettled(projectId, mode, ids);
    report.events.read += page.data.length;
    for (const listed of page.data.toReversed()) {
      if (signal.aborted) break;
      if (settled.has(listed.id)) report.events.known += 1;
      else await this.#handleOne(projectId, mode, listed, report);
    }
    return page;
  }

  async #handleOne(
    projectId: ProjectId,
    mode: StripeMode,
    listed: Stripe.Event,
    report: ReconcileReport,
  ): Promise<void> {
    const event = await this.reader.read(projectId, mode, Buffer.from(JSON.stringify(listed)));
    if (event === 'unreadable') report.events.unreadable += 1;
    if (typeof event === 'string') return;
    try {
      const handled = await this.handler.handle(event);
      report.events[handled === 'duplicate' ? 'known' : handled] += 1;
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      report.addFailure({
        id: event.id,
        type: event.type,
        reason: error instanceof DomainError ? error.message : 'Something went wrong on our side.',
      });
    }
  }

  async #compare(work: Work, pass: Pass): Promise<Page<Stripe.Subscription>> {
    const { projectId, mode, stripe, signal, report } = work;
    const page = await listSubscriptions(stripe, pass);
    for (const subscription of page.data) {
      if (signal.aborted) break;
      report.subscriptions.compared += 1;
      if (await this.ledger.record({ projectId, mode }, subscription, page.time))
        report.addRepair(subscription.id);
    }
    const absent = await this.#findAbsent(work, pass, page);
    while (absent.length > 0 && !signal.aborted) {
      const ids = absent.splice(0, MAX_QUESTIONS);
      const answers = await Promise.all(ids.map((id) => findSubscription(stripe, id, page.time)));
      for (const [index, id] of ids.entries()) {
        const found = answers[index];
        if (!found) report.addMissing(id);
        else if (await this.ledger.record({ projectId, mode }, found.subscription, found.time))
          report.addRepair(id);
      }
    }
    return page;
  }

  /** What runs here, and this page of Stripe's list lacks though it is the place for it. A list may lag behind, so that proves nothing yet. */
  async #findAbsent(
    { projectId, mode }: Work,
    { cursor }: Pass,
    { data, hasMore }: Page<Stripe.Subscription>,
  ): Promise<string[]> {
    const oldest = new Date((hasMore ? (data.at(-1)?.created ?? 0) : 0) * 1000);
    const running = await this.passes.listRunning(projectId, mode, cursor, oldest, MAX_RUNNING);
    return running.filter((id) => data.every((listed) => listed.id !== id)).slice(0, MAX_ABSENT);
  }
}

/** A resumed pass covers the time until it started, so it ends with the events since then. */
function stepAfter({ phase, batch }: Pass, { isResumed }: Work): Pick<Pass, 'phase' | 'batch'> {
  if (phase !== 'subscriptions' && batch + 1 < EVENT_BATCHES.length) return { phase, batch: batch + 1 };
  if (phase === 'events') return { phase: 'subscriptions', batch: 0 };
  return { phase: phase === 'subscriptions' && isResumed ? 'later events' : null, batch: 0 };
}

function notTooOld(time: Date, now: Date): Date {
  return new Date(Math.max(time.getTime(), now.getTime() - OLDEST_MS));
}

function alreadyRunning(): DomainError {
  const message = 'This project is being reconciled right now; try again shortly.';
  return new DomainError('already_running', message, { retryAfterSeconds: 5 });
}
