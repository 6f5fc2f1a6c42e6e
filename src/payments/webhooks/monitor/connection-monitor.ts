import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type Stripe from 'stripe';
import { DomainError } from '../../../common/errors.js';
import { Settings } from '../../../config/settings.js';
import type { PeriodicTask } from '../../../database/periodic-task.js';
import { PeriodicTasks } from '../../../database/periodic-tasks.js';
import type { EndpointProblem } from '../../payments-events.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { StripeClients } from '../../stripe-config/keys/stripe-clients.js';
import { webhookUrl } from '../../stripe-config/stripe-config.dto.js';
import { lacksEvents, listEndpoints } from '../endpoints/endpoints-at-stripe.js';
import { WebhookEndpointsRepository } from '../endpoints/webhook-endpoints.repository.js';
import { ConnectionChecksRepository } from './connection-checks.repository.js';

const HOUR_MS = 3_600_000;
const INTERVAL_MS = 60_000;
/** Leaves tenants that were just configured alone, and a process that restarts again and again. */
const FIRST_AFTER_MS = 10 * INTERVAL_MS;
/** At least daily, with time for a process that takes over. */
const CHECK_AFTER_MS = 23 * HOUR_MS;
/** After Stripe could not be asked. */
const RETRY_AFTER_MS = HOUR_MS;
const KEPT_MS = 30 * 24 * HOUR_MS;
/** Spreads all keys over this number of runs, which take half a day. */
const RUNS = 600;
const AT_ONCE = 4;
/** Failures in a row that end a run: Stripe is out of order, or limits requests. */
const MOST_FAILURES = 8;

/**
 * Asks Stripe about every stored secret key once a day, and about the webhook endpoint that was made with it.
 * One request shows both.
 */
@Injectable()
export class ConnectionMonitor implements OnApplicationBootstrap {
  readonly task: PeriodicTask;

  constructor(
    private readonly checks: ConnectionChecksRepository,
    private readonly endpoints: WebhookEndpointsRepository,
    private readonly clients: StripeClients,
    private readonly settings: Settings,
    private readonly host: HttpAdapterHost,
    tasks: PeriodicTasks,
  ) {
    this.task = tasks.add({
      name: 'connection_checks',
      intervalMs: INTERVAL_MS,
      firstAfterMs: FIRST_AFTER_MS,
      inOneProcess: true,
      work: (signal) => this.check(new Date(), signal),
      failure: 'Stored keys could not be checked; this is tried again in a minute.',
    });
  }

  onApplicationBootstrap(): void {
    // A command of the CLI leaves it to the servers.
    if (this.host.httpAdapter) this.task.start();
  }

  /** Checks the keys that are due, a small part of all at once. The next run goes on after an abort. */
  async check(now: Date, signal?: AbortSignal): Promise<void> {
    await this.checks.forget(new Date(now.getTime() - KEPT_MS));
    const limit = Math.ceil((await this.checks.countKeys()) / RUNS);
    const due = (await this.checks.due(new Date(now.getTime() - CHECK_AFTER_MS), limit)).values();
    let failures = 0;
    const work = async (): Promise<void> => {
      for (const tenant of due) {
        if (signal?.aborted || failures >= MOST_FAILURES) return;
        failures = (await this.#check(tenant, now)) ? 0 : failures + 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  /** @returns whether Stripe answered */
  async #check(tenant: ProjectMode, now: Date): Promise<boolean> {
    const { projectId, mode } = tenant;
    try {
      const known = await this.endpoints.find(tenant);
      // A client of its own notes each verdict. A cached one notes changes that this process saw.
      const stripe = await this.clients.connectAnew(projectId, mode);
      const found = await listEndpoints(stripe);
      const url = webhookUrl(this.settings, projectId, mode);
      const endpoint = known && { id: known.endpointId, problem: problemOf(found, known.endpointId, url) };
      await this.checks.record(tenant, endpoint, now);
      return true;
    } catch (error) {
      if (!(error instanceof DomainError) || error.code === 'database_unavailable') throw error;
      // Unreachable is not invalid.
      const isUnavailable = error.code === 'stripe_unavailable';
      const wait = isUnavailable ? RETRY_AFTER_MS - CHECK_AFTER_MS : 0;
      await this.checks.postpone(tenant, new Date(now.getTime() + wait));
      return !isUnavailable;
    }
  }
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
  return lacksEvents(endpoint) ? 'missing_events' : null;
}
