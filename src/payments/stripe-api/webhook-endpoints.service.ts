import { Injectable, Logger } from '@nestjs/common';
import type Stripe from 'stripe';
import { DomainError, ValidationFailed } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { Secret } from '../../common/secret.js';
import { Settings } from '../../config/settings.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { StripeConfigService } from '../stripe-config/stripe-config.service.js';
import { webhookUrl } from '../stripe-config/webhook-url.js';
import { StripeClients } from './stripe-clients.js';
import { createEndpoint, deleteEndpoint, isOurs, isUpToDate, listEndpoints, unreadable } from './webhook-endpoint-calls.js';
import { type KnownEndpoint, WebhookEndpointsRepository } from './webhook-endpoints.repository.js';

interface Connection {
  readonly stripe: Stripe;
  /** Of the secret key in `stripe`, unless it was replaced just now. */
  readonly keyFingerprint: string;
  readonly webhookSecretFingerprint: string | undefined;
  readonly known: KnownEndpoint | undefined;
}

/** Makes and removes webhook endpoints at Stripe with the tenants' own keys. */
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
    return this.#alone(projectId, mode, async () => {
      const connection = await this.#connect(projectId, mode);
      const { stripe, known, webhookSecretFingerprint } = connection;
      const existing = await listEndpoints(stripe);
      if (existing.some((endpoint) => endpoint.url === url && !isOurs(endpoint, projectId))) throw notOurs(url);
      // Stripe shows a signing secret only once: an endpoint whose secret is not the stored one is of no use.
      const usableId = known && known.secretFingerprint === webhookSecretFingerprint ? known.endpointId : undefined;
      const ours = existing.filter((endpoint) => isOurs(endpoint, projectId));
      const working = ours.find((endpoint) => endpoint.id === usableId && isUpToDate(endpoint, url));
      for (const { id } of ours) if (id !== working?.id) await deleteEndpoint(stripe, id);
      if (working) return { endpoint: working, created: false };
      if (known) await this.#forget(projectId, mode, known);
      return { endpoint: await this.#make(connection, projectId, mode, url), created: true };
    });
  }

  /**
   * Removes what we made, at Stripe and here, with its signing secret if that is still the stored one.
   * @throws DomainError `endpoint_not_found`, `already_running`, `stripe_*`, and what `StripeClients.for` throws
   */
  async remove(projectId: ProjectId, mode: StripeMode): Promise<void> {
    await this.#alone(projectId, mode, async () => {
      const { stripe, known } = await this.#connect(projectId, mode);
      const ours = (await listEndpoints(stripe)).filter((endpoint) => isOurs(endpoint, projectId));
      if (ours.length === 0 && !known)
        throw new DomainError('endpoint_not_found', `There is no ${mode} webhook endpoint that was made here.`);
      for (const { id } of ours) await deleteEndpoint(stripe, id);
      if (known) await this.#forget(projectId, mode, known);
    });
  }

  async #make({ stripe, keyFingerprint, known }: Connection, projectId: ProjectId, mode: StripeMode, url: string) {
    const endpoint = await createEndpoint(stripe, projectId, url);
    try {
      if (typeof endpoint.secret !== 'string') throw unreadable();
      const secret = new Secret(endpoint.secret);
      const made = { endpointId: endpoint.id, secretFingerprint: this.configs.fingerprint(projectId, secret) };
      const record = () => this.endpoints.replace(projectId, mode, made, known);
      // Not when the key was replaced or deleted meanwhile, or another process made an endpoint: then this one gives way.
      if (!(await this.configs.saveWebhookSecret(projectId, mode, secret, keyFingerprint, record))) throw changedMeanwhile();
    } catch (error) {
      await this.#tryToDelete(stripe, projectId, endpoint.id);
      throw error;
    }
    return endpoint;
  }

  /** What is stored is read before the client: if the key is replaced in between, the fingerprint is the old one and nothing gets stored. */
  async #connect(projectId: ProjectId, mode: StripeMode): Promise<Connection> {
    const config = await this.configs.find(projectId);
    const fingerprint = (kind: string) => config?.credentials.find((stored) => stored.mode === mode && stored.kind === kind)?.fingerprint;
    const stripe = await this.clients.for(projectId, mode);
    const known = await this.endpoints.find(projectId, mode);
    return { stripe, known, keyFingerprint: fingerprint('secret_key') ?? '', webhookSecretFingerprint: fingerprint('webhook_secret') };
  }

  /** @returns what to do once the mode's credentials are destroyed: the client in it has the key already */
  async #prepareRemoval(projectId: ProjectId, mode: StripeMode): Promise<() => Promise<void>> {
    const known = await this.endpoints.find(projectId, mode);
    if (!known) return () => Promise.resolve();
    const stripe = await this.clients.for(projectId, mode).catch(() => undefined);
    return async () => {
      if (stripe) await this.#tryToDelete(stripe, projectId, known.endpointId);
      else this.#logger.warn(leftBehind(projectId, known.endpointId));
      await this.#forget(projectId, mode, known);
    };
  }

  async #forget(projectId: ProjectId, mode: StripeMode, { endpointId, secretFingerprint }: KnownEndpoint): Promise<void> {
    await this.configs.removeWebhookSecret(projectId, mode, secretFingerprint, () => this.endpoints.forget(projectId, mode, endpointId));
  }

  /** Not found is a reason for the log as well: with a key of another account, the endpoint is still there in the old one. */
  async #tryToDelete(stripe: Stripe, projectId: ProjectId, endpointId: string): Promise<void> {
    try {
      await stripe.webhookEndpoints.del(endpointId, undefined, { timeout: 5_000, maxNetworkRetries: 0 });
    } catch {
      this.#logger.warn(leftBehind(projectId, endpointId));
    }
  }

  async #alone<T>(projectId: ProjectId, mode: StripeMode, work: () => Promise<T>): Promise<T> {
    const running = `${mode} ${projectId}`;
    if (this.#running.has(running)) throw alreadyRunning();
    this.#running.add(running);
    try {
      return await work();
    } finally {
      this.#running.delete(running);
    }
  }
}

function leftBehind(projectId: ProjectId, endpointId: string): string {
  return `The webhook endpoint ${endpointId} of project ${projectId} could not be removed at Stripe; it can be removed in Stripe's dashboard.`;
}

function alreadyRunning(): DomainError {
  const message = 'This webhook endpoint is being made or removed right now; try again shortly.';
  return new DomainError('already_running', message, { retryAfterSeconds: 1 });
}

function changedMeanwhile(): DomainError {
  const message = 'The configuration was changed while the webhook endpoint was made, so it was removed again; try again shortly.';
  return new DomainError('already_running', message, { retryAfterSeconds: 1 });
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
