import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import type Stripe from 'stripe';
import { DomainError } from '../../../common/errors.js';
import { Settings } from '../../../config/settings.js';
import { isDatabaseUnavailable } from '../../../database/database-errors.js';
import type { PeriodicTask } from '../../../database/periodic-task.js';
import { PeriodicTasks } from '../../../database/periodic-tasks.js';
import type { EndpointProblem } from '../../payments-events.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { StripeClients } from '../../stripe-config/keys/stripe-clients.js';
import { StripeConfigService } from '../../stripe-config/stripe-config.service.js';
import { webhookUrl } from '../../stripe-config/stripe-config.dto.js';
import { hasOldVersion, lacksEvents, listEndpoints } from '../endpoints/endpoints-at-stripe.js';
import { WebhookEndpointsRepository } from '../endpoints/webhook-endpoints.repository.js';
import { settled } from './connection-changes.js';
import { ConnectionChecksRepository } from './connection-checks.repository.js';
import { SilenceCheck } from './silence.js';

const HOUR_MS = 3_600_000;
const INTERVAL_MS = 60_000;
/** Leaves tenants alone that were just configured. */
const NEW_KEY_MS = 10 * INTERVAL_MS;
/** After Stripe could not be asked. */
const RETRY_AFTER_MS = HOUR_MS;
/** After Stripe refused the key. */
const REFUSED_AFTER_MS = 23 * HOUR_MS;
const KEPT_MS = 30 * 24 * HOUR_MS;
/** Spreads all keys over this number of runs, which take half a day. */
const RUNS = 600;
const AT_ONCE = 4;
/** Modes with a problem that one run looks at. The next run goes on with the others. */
const PROBLEMS_AT_ONCE = 500;
/** Errors that are an answer of Stripe. */
const ANSWERS: ReadonlySet<string> = new Set([
  'stripe_key_refused',
  'stripe_permission_missing',
  'stripe_refused',
]);
/** Failures in a row that end a run: Stripe is out of order, or limits requests. */
const MOST_FAILURES = 8;

/**
 * Asks Stripe about every stored secret key once a day, and about the webhook endpoint that was made with it.
 * One request shows both. Then it looks whether events still arrive.
 */
@Injectable()
export class ConnectionMonitor implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger(ConnectionMonitor.name);
  readonly task: PeriodicTask;
  /** The last mode with a problem that was looked at. */
  #lastWithProblem: ProjectMode | undefined;

  constructor(
    private readonly checks: ConnectionChecksRepository,
    private readonly silence: SilenceCheck,
    private readonly endpoints: WebhookEndpointsRepository,
    private readonly clients: StripeClients,
    private readonly configs: StripeConfigService,
    private readonly settings: Settings,
    tasks: PeriodicTasks,
  ) {
    this.task = tasks.add({
      name: 'connection_checks',
      intervalMs: INTERVAL_MS,
      inOneProcess: true,
      onServersOnly: true,
      work: (signal) => this.check(new Date(), signal, NEW_KEY_MS),
      failure: 'Stored keys could not be checked; this is tried again in a minute.',
    });
  }

  onModuleInit(): void {
    this.configs.removing.on(async (tenant) => ({ cleanUp: () => this.checks.settle(tenant, new Date()) }));
  }

  onApplicationBootstrap(): void {
    this.task.start();
  }

  /**
   * Checks the keys that are due, a small part of all at once. The next run goes on after an abort.
   * @param olderThanMs leaves out keys that were stored later
   */
  async check(now: Date, signal?: AbortSignal, olderThanMs = 0): Promise<void> {
    const started = performance.now();
    const clock = () => new Date(now.getTime() + performance.now() - started);
    await this.checks.forget(new Date(now.getTime() - KEPT_MS));
    await this.#settle(now, signal);
    const limit = Math.ceil((await this.checks.countKeys()) / RUNS);
    const due = (await this.checks.due(now, later(now, -olderThanMs), limit)).values();
    let failures = 0;
    const unexpected: unknown[] = [];
    const work = async (): Promise<void> => {
      for (const tenant of due) {
        if (signal?.aborted || failures >= MOST_FAILURES) return;
        try {
          failures = (await this.#check(tenant, clock, signal)) ? 0 : failures + 1;
        } catch (error) {
          if (isDatabaseUnavailable(error)) throw error;
          unexpected.push(error);
          await this.checks.postpone(tenant, later(now, RETRY_AFTER_MS));
        }
      }
    };
    const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
    if (unexpected.length > 0)
      this.#logger.error(`${unexpected.length} stored keys could not be checked.`, stackOf(unexpected[0]));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** Ends problems that are over, and warns of former secrets that end while they are in use. */
  async #settle(now: Date, signal?: AbortSignal): Promise<void> {
    const found = await this.checks.withProblem(this.#lastWithProblem, PROBLEMS_AT_ONCE);
    this.#lastWithProblem = found.length < PROBLEMS_AT_ONCE ? undefined : found.at(-1);
    for (const { projectId, mode } of found) {
      if (signal?.aborted) return;
      await this.checks.change({ projectId, mode }, now, settled(now));
    }
  }

  /** @returns whether Stripe answered */
  async #check(tenant: ProjectMode, clock: () => Date, signal?: AbortSignal): Promise<boolean> {
    const { projectId, mode } = tenant;
    const askedAt = clock();
    try {
      const known = await this.endpoints.find(tenant);
      // A client of its own notes each verdict. A cached one notes changes that this process saw.
      const stripe = await this.clients.connectAnew(projectId, mode);
      const found = await listEndpoints(stripe);
      const url = webhookUrl(this.settings, projectId, mode);
      const endpoint = known && { id: known.endpointId, problem: problemOf(found, known.endpointId, url) };
      await this.checks.record(tenant, endpoint, clock(), askedAt);
    } catch (error) {
      if (!(error instanceof DomainError) || error.code === 'database_unavailable') throw error;
      // Unreachable is not invalid.
      const isUnavailable = error.code === 'stripe_unavailable';
      const dueAt = later(askedAt, isUnavailable ? RETRY_AFTER_MS : REFUSED_AFTER_MS);
      await this.checks.postpone(tenant, dueAt, ANSWERS.has(error.code) ? clock() : undefined);
      return !isUnavailable;
    }
    await this.silence.check(tenant, clock(), signal).catch((error: unknown) => {
      // The next check of this key tries again.
      if (!(error instanceof DomainError) || error.code === 'database_unavailable') throw error;
    });
    return true;
  }
}

function later(time: Date, milliseconds: number): Date {
  return new Date(time.getTime() + milliseconds);
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}

function problemOf(
  endpoints: readonly Stripe.WebhookEndpoint[],
  id: string,
  url: string,
): EndpointProblem | null {
  const endpoint = endpoints.find((each) => each.id === id);
  if (!endpoint) return 'missing';
  if (endpoint.status !== 'enabled') return 'disabled';
  if (endpoint.url !== url) return 'other_url';
  if (lacksEvents(endpoint)) return 'missing_events';
  return hasOldVersion(endpoint) ? 'old_version' : null;
}
