import { Injectable, Logger } from '@nestjs/common';
import type Stripe from 'stripe';
import { DomainError, ValidationFailed } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import { Settings } from '../../config/settings.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { StripeConfigService } from '../stripe-config/stripe-config.service.js';
import { webhookUrl } from '../stripe-config/webhook-url.js';
import { HANDLED_EVENTS } from './handled-events.js';
import { StripeClients } from './stripe-clients.js';
import { STRIPE_API_VERSION } from './stripe-connector.js';
import { asStripeFailure, stripeErrorOf } from './stripe-failure.js';
import { WebhookEndpointsRepository } from './webhook-endpoints.repository.js';

/** Of one call to Stripe. */
const CALL = { timeout: 5_000, maxNetworkRetries: 1 };
/** Stripe allows 16 endpoints in each mode, so one page has them all. */
const ALL = { limit: 100 };
const PROJECT_TAG = 'tillkeeper_project';

/** Makes and removes webhook endpoints at Stripe with the tenants' own keys. What we made carries the project's id as metadata. */
@Injectable()
export class WebhookEndpointsService {
  readonly #logger = new Logger(WebhookEndpointsService.name);
  readonly #running = new Set<string>();

  constructor(
    private readonly clients: StripeClients,
    private readonly configs: StripeConfigService,
    private readonly endpoints: WebhookEndpointsRepository,
    private readonly settings: Settings,
  ) {
    configs.onRemoval((projectId, mode) => this.#prepareRemoval(projectId, mode));
  }

  /**
   * Makes sure that Stripe sends the project's events here, signed with the stored webhook secret.
   * @returns the endpoint, and whether it was made now
   * @throws ValidationFailed, DomainError `endpoint_not_ours`, `already_running`, `stripe_*`, and what `StripeClients.for` throws
   */
  async ensure(projectId: ProjectId, mode: StripeMode): Promise<{ endpoint: Stripe.WebhookEndpoint; created: boolean }> {
    const url = webhookUrl(this.settings, projectId, mode);
    if (mode === 'live' && !url.startsWith('https://')) throw needsHttps();
    const stripe = await this.clients.for(projectId, mode);
    const running = `${mode} ${projectId}`;
    if (this.#running.has(running)) throw alreadyRunning();
    this.#running.add(running);
    try {
      const existing = await stripe.webhookEndpoints.list(ALL, CALL);
      if (existing.data.some((endpoint) => endpoint.url === url && !isOurs(endpoint, projectId))) throw notOurs(url);
      const working = await this.#working(projectId, mode, url, existing.data);
      // Stripe shows a signing secret only once: an endpoint whose secret is not the stored one is of no use.
      const useless = existing.data.filter((endpoint) => isOurs(endpoint, projectId) && endpoint.id !== working?.id);
      for (const { id } of useless) await stripe.webhookEndpoints.del(id, undefined, CALL);
      return working ? { endpoint: working, created: false } : { endpoint: await this.#make(stripe, projectId, mode, url), created: true };
    } catch (error) {
      throw asEndpointFailure(error);
    } finally {
      this.#running.delete(running);
    }
  }

  /**
   * Removes what we made, at Stripe and here, with its signing secret if that is still the stored one.
   * @throws DomainError `endpoint_not_found`, `stripe_*`, and what `StripeClients.for` throws
   */
  async remove(projectId: ProjectId, mode: StripeMode): Promise<void> {
    const stripe = await this.clients.for(projectId, mode);
    const known = await this.endpoints.find(projectId, mode);
    try {
      const { data } = await stripe.webhookEndpoints.list(ALL, CALL);
      const ours = data.filter((endpoint) => isOurs(endpoint, projectId));
      if (ours.length === 0 && !known)
        throw new DomainError('endpoint_not_found', `There is no ${mode} webhook endpoint that was made here.`);
      for (const { id } of ours) await stripe.webhookEndpoints.del(id, undefined, CALL);
    } catch (error) {
      throw asStripeFailure(error);
    }
    if (!known) return;
    await this.endpoints.forget(projectId, mode, known.endpointId);
    await this.configs.removeWebhookSecret(projectId, mode, known.secretFingerprint);
  }

  /** The endpoint that works as it is: known here, enabled, for exactly our events, signed with the stored secret. */
  async #working(
    projectId: ProjectId,
    mode: StripeMode,
    url: string,
    endpoints: Stripe.WebhookEndpoint[],
  ): Promise<Stripe.WebhookEndpoint | undefined> {
    const known = await this.endpoints.find(projectId, mode);
    const config = await this.configs.find(projectId);
    const stored = config?.credentials.find((credential) => credential.mode === mode && credential.kind === 'webhook_secret');
    if (!known || stored?.fingerprint !== known.secretFingerprint) return undefined;
    const endpoint = endpoints.find(({ id }) => id === known.endpointId);
    return endpoint?.url === url && endpoint.status === 'enabled' && areHandled(endpoint.enabled_events) ? endpoint : undefined;
  }

  async #make(stripe: Stripe, projectId: ProjectId, mode: StripeMode, url: string): Promise<Stripe.WebhookEndpoint> {
    const endpoint = await stripe.webhookEndpoints.create(
      {
        url,
        enabled_events: [...HANDLED_EVENTS],
        api_version: STRIPE_API_VERSION,
        description: 'Made by Tillkeeper',
        metadata: { [PROJECT_TAG]: projectId },
      },
      CALL,
    );
    try {
      if (endpoint.secret === undefined) throw new Error('Stripe gave no signing secret for a new endpoint.');
      const secretFingerprint = this.configs.fingerprint(projectId, new Secret(endpoint.secret));
      await this.endpoints.replace(projectId, mode, { endpointId: endpoint.id, secretFingerprint });
      await this.configs.save(projectId, { [`${mode}_webhook_secret`]: endpoint.secret });
      // Another process may have been making one, too: then one of us gives way.
      if (!(await this.#working(projectId, mode, url, [endpoint]))) throw alreadyRunning();
    } catch (error) {
      await this.#tryToDelete(stripe, projectId, endpoint.id);
      throw error;
    }
    return endpoint;
  }

  /** @returns what to do once the mode's credentials are destroyed: the client in it has the key already */
  async #prepareRemoval(projectId: ProjectId, mode: StripeMode): Promise<() => Promise<void>> {
    const known = await this.endpoints.find(projectId, mode);
    if (!known) return () => Promise.resolve();
    const stripe = await this.clients.for(projectId, mode).catch(() => undefined);
    return async () => {
      if (stripe) await this.#tryToDelete(stripe, projectId, known.endpointId);
      else this.#logger.warn(leftBehind(projectId, known.endpointId));
      await this.endpoints.forget(projectId, mode, known.endpointId);
    };
  }

  async #tryToDelete(stripe: Stripe, projectId: ProjectId, endpointId: string): Promise<void> {
    try {
      await stripe.webhookEndpoints.del(endpointId, undefined, { ...CALL, maxNetworkRetries: 0 });
    } catch (error) {
      if (stripeErrorOf(error)?.statusCode !== 404) this.#logger.warn(leftBehind(projectId, endpointId));
    }
  }
}

function isOurs({ metadata }: Stripe.WebhookEndpoint, projectId: ProjectId): boolean {
  return metadata[PROJECT_TAG] === projectId;
}

function areHandled(events: string[]): boolean {
  return events.length === HANDLED_EVENTS.length && HANDLED_EVENTS.every((event) => events.includes(event));
}

function leftBehind(projectId: ProjectId, endpointId: string): string {
  return `The webhook endpoint ${endpointId} of project ${projectId} could not be removed at Stripe; it can be removed in Stripe's dashboard.`;
}

function alreadyRunning(): DomainError {
  return new DomainError('already_running', 'This webhook endpoint is being made right now; try again shortly.', { retryAfterSeconds: 1 });
}

function needsHttps(): ValidationFailed {
  const msg = "live mode needs an https address for Stripe's webhooks: the operator has to set PUBLIC_BASE_URL to one";
  return new ValidationFailed([{ loc: ['body', 'mode'], msg, type: 'value_error' }]);
}

function notOurs(url: string): DomainError {
  return new DomainError(
    'endpoint_not_ours',
    `At Stripe there is an endpoint for ${url} that was not made here; remove it in Stripe's dashboard first.`,
  );
}

function asEndpointFailure(error: unknown): unknown {
  if (/maximum of \d+ .*webhook endpoints/i.test(stripeErrorOf(error)?.message ?? '')) {
    const message = "This Stripe account has as many webhook endpoints as Stripe allows; remove one in Stripe's dashboard first.";
    return new DomainError('stripe_endpoint_limit', message, { cause: error });
  }
  return asStripeFailure(error);
}
