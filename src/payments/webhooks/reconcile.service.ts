import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { DomainError } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { isDatabaseUnavailable } from '../../database/database-errors.js';
import { LedgerService } from '../ledger/ledger.service.js';
import { StripeClients } from '../stripe-api/stripe-clients.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { EventHandlerService } from './event-handler.service.js';
import { readEvent } from './received-event.js';
import { isCursorGone, listEvents, listSubscriptions } from './reconcile-pages.js';
import { ReconcileReport } from './reconcile-report.js';
import { type Pass, ReconciliationsRepository } from './reconciliations.repository.js';
import { WebhookEventsRepository } from './webhook-events.repository.js';

/** How long Stripe keeps events. */
const OLDEST_MS = 30 * 24 * 60 * 60 * 1000;
/** Stripe's lists may lag behind. */
const OVERLAP_MS = 60 * 60 * 1000;

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
  readonly report: ReconcileReport;
}

/** Asks Stripe what was missed: events through the handler of deliveries, then how every subscription is. Safe beside deliveries. */
@Injectable()
export class ReconcileService {
  readonly #running = new Set<string>();

  constructor(
    private readonly clients: StripeClients,
    private readonly handler: EventHandlerService,
    private readonly ledger: LedgerService,
    private readonly events: WebhookEventsRepository,
    private readonly passes: ReconciliationsRepository,
  ) {}

  /**
   * @returns what was found; not complete when the signal came first
   * @throws DomainError `already_running`, `stripe_key_refused`, `stripe_permission_missing`, `stripe_unavailable`, `database_unavailable`
   * and what `StripeClients.for` throws. What was done stays done, and the next call goes on from there.
   */
  async reconcile(projectId: ProjectId, mode: StripeMode, { since, signal }: Options): Promise<ReconcileReport> {
    const running = `${mode} ${projectId}`;
    if (this.#running.has(running)) throw alreadyRunning();
    this.#running.add(running);
    try {
      const stripe = await this.clients.for(projectId, mode);
      const unfinished = await this.passes.findUnfinished(projectId, mode);
      const goesOn = unfinished && (since === undefined || unfinished.since <= since) ? unfinished : undefined;
      const first = goesOn ?? (await this.#begin(projectId, mode, since));
      const work = { projectId, mode, stripe, signal, report: new ReconcileReport(mode, first.since) };
      await this.#run(work, first);
      // What was begun before says nothing of the time since.
      if (goesOn) await this.#run(work, await this.#begin(projectId, mode, since));
      work.report.isComplete = !signal.aborted;
      return work.report;
    } finally {
      this.#running.delete(running);
    }
  }

  async #begin(projectId: ProjectId, mode: StripeMode, since: Date | undefined): Promise<Pass> {
    const startedAt = new Date();
    const oldest = new Date(startedAt.getTime() - OLDEST_MS);
    const pass = (from: Date): Pass => ({ since: from < oldest ? oldest : from, startedAt, phase: 'events', cursor: null });
    if (since) return pass(since);
    const { knownUntil = oldest, unsettledSince = knownUntil } = await this.passes.findStart(projectId, mode);
    return pass(new Date(Math.min(knownUntil.getTime() - OVERLAP_MS, unsettledSince.getTime())));
  }

  async #run(work: Work, first: Pass): Promise<void> {
    let pass = first;
    while (pass.phase !== null && !work.signal.aborted) {
      pass = await this.#step(work, pass);
      // A step that was cut short is taken again.
      if (!work.signal.aborted) await this.passes.save(work.projectId, work.mode, pass);
    }
  }

  /** Reads and handles one page. */
  async #step(work: Work, pass: Pass): Promise<Pass> {
    try {
      if (pass.phase === 'events') {
        const { data, hasMore } = await listEvents(work.stripe, pass);
        await this.#handle(work, data);
        return hasMore ? { ...pass, cursor: data.at(-1)?.id ?? null } : { ...pass, phase: 'subscriptions', cursor: null };
      }
      const { data, hasMore, at } = await listSubscriptions(work.stripe, pass);
      await this.#compare(work, data, at);
      return hasMore ? { ...pass, cursor: data.at(-1)?.id ?? null } : { ...pass, phase: null, cursor: null };
    } catch (error) {
      if (pass.cursor === null || !isCursorGone(error)) throw error;
      return { ...pass, cursor: null };
    }
  }

  async #handle({ projectId, mode, signal, report }: Work, page: Stripe.Event[]): Promise<void> {
    const settled = await this.events.findSettled(
      projectId,
      mode,
      page.map(({ id }) => id),
    );
    report.events.read += page.length;
    for (const listed of page.toReversed()) {
      if (signal.aborted) return;
      if (settled.has(listed.id)) report.events.known += 1;
      else await this.#handleOne(projectId, mode, listed, report);
    }
  }

  async #handleOne(projectId: ProjectId, mode: StripeMode, listed: Stripe.Event, report: ReconcileReport): Promise<void> {
    const event = readEvent(projectId, mode, Buffer.from(JSON.stringify(listed)));
    if (!event || event.livemode !== (mode === 'live')) return;
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

  async #compare({ projectId, mode, signal, report }: Work, page: Stripe.Subscription[], at: Date): Promise<void> {
    for (const subscription of page) {
      if (signal.aborted) return;
      report.subscriptions.compared += 1;
      if (await this.ledger.record(projectId, mode, subscription, at)) report.addRepair(subscription.id);
    }
  }
}

function alreadyRunning(): DomainError {
  const message = 'This project is being reconciled right now; try again shortly.';
  return new DomainError('already_running', message, { retryAfterSeconds: 5 });
}
