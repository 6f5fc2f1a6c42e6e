import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Deadline } from '../../../common/deadline.js';
import type Stripe from 'stripe';
import { A_MODULE, type Actor } from '../../../common/actor.js';
import { DomainError } from '../../../common/errors.js';
import type { ProjectId } from '../../../common/ids.js';
import { Secret } from '../../../common/secret.js';
import { Settings } from '../../../config/settings.js';
import type { Cleanup } from '../../../projects/removal-hook.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import type { Steps } from '../../../database/database.js';
import { areOfDifferentAccounts } from '../../stripe-config/stripe-config.js';
import type { CredentialKind } from '../../stripe-config/credential-rules.js';
import { StripeConfigService } from '../../stripe-config/stripe-config.service.js';
import { webhookUrl } from '../../stripe-config/stripe-config.dto.js';
import { StripeClients } from '../../stripe-config/keys/stripe-clients.js';
import { ConnectionChecksRepository } from '../monitor/connection-checks.repository.js';
import {
  createEndpoint,
  deleteEndpoint,
  hasOldVersion,
  isOurs,
  isSameAddress,
  isUpToDate,
  listEndpoints,
  unreadable,
  updateEndpoint,
} from './endpoints-at-stripe.js';
import {
  type StoredEndpoint,
  type Lease,
  WebhookEndpointLeasesRepository,
  WebhookEndpointsRepository,
} from './webhook-endpoints.repository.js';
import {
  changedMeanwhile,
  inProgress,
  needsHttps,
  notOurs,
  deadlineExceeded,
} from './webhook-endpoints.errors.js';

/** Deadline of `ensure` and `remove`. */
const BUDGET_MS = 6_000;
/**
 * Deadline for the endpoint of credentials that are being removed, which doesn't depend on Stripe's answer.
 */
const REMOVAL_MS = 2_000;

interface Connection {
  readonly stripe: Stripe;
  /** Fingerprint of the secret key in `stripe`, or an earlier one if the key was replaced just now. */
  readonly keyFingerprint: string;
  readonly known: StoredEndpoint | undefined;
  /** Whether the stored webhook secret belongs to the endpoint `known`. */
  readonly hasItsSecret: boolean;
  /** Whether the endpoint `known` belongs to another account than the secret key. */
  readonly isElsewhere: boolean;
}

/** Creates, updates and removes webhook endpoints at Stripe with the tenants' own keys. */
@Injectable()
export class WebhookEndpointsService implements OnModuleInit {
  readonly #logger = new Logger(WebhookEndpointsService.name);

  constructor(
    private readonly clients: StripeClients,
    private readonly configs: StripeConfigService,
    private readonly endpoints: WebhookEndpointsRepository,
    private readonly leases: WebhookEndpointLeasesRepository,
    private readonly checks: ConnectionChecksRepository,
    private readonly settings: Settings,
  ) {}

  onModuleInit(): void {
    this.configs.removing.on((tenant, actor) => this.#prepareRemoval(tenant, actor));
  }

  /**
   * Ensures that Stripe sends the project's events here, signed with the stored webhook secret. An endpoint
   * with that secret is updated in place. One without it is replaced, because Stripe shows a signing secret
   * only once.
   * @returns the endpoint, and whether it was created
   * @throws ValidationFailed, DomainError `endpoint_not_ours`, `endpoint_in_progress`, `stripe_*`, and what
   * `StripeClients.for` throws
   */
  async ensure(
    tenant: ProjectMode,
    { actor = A_MODULE }: { actor?: Actor } = {},
  ): Promise<{ endpoint: Stripe.WebhookEndpoint; created: boolean }> {
    const { projectId, mode } = tenant;
    const url = webhookUrl(this.settings, projectId, mode);
    if (mode === 'live' && !url.startsWith('https://')) throw needsHttps();
    return this.#withLease(tenant, async (lease) => {
      const connection = await this.#connect(tenant);
      const { stripe, known, hasItsSecret } = connection;
      const existing = await listEndpoints(stripe);
      if (existing.some((endpoint) => isSameAddress(endpoint.url, url) && !isOurs(endpoint, projectId)))
        throw notOurs(url);
      const ours = existing.filter((endpoint) => isOurs(endpoint, projectId));
      const stored = hasItsSecret ? ours.find(({ id }) => id === known?.endpointId) : undefined;
      const current = stored && !hasOldVersion(stored) ? stored : undefined;
      for (const { id } of ours) if (id !== current?.id) await deleteEndpoint(stripe, id);
      const kept =
        current &&
        (isUpToDate(current, url) ? current : await this.#update(connection, lease, current.id, url));
      const endpoint = kept ?? (await this.#create(connection, lease, url, actor));
      // The next check is a day away.
      await this.checks.record(tenant, { id: endpoint.id, problem: null }, new Date());
      if (known && !kept) this.#warnIfMissing(known, ours, projectId, actor);
      return { endpoint, created: !kept };
    });
  }

  /**
   * Removes the endpoint at Stripe and here, with its signing secret if that is still stored. An endpoint in
   * another account than the stored key's is out of reach: it is only forgotten here, with a warning.
   * @throws DomainError `endpoint_not_found`, `endpoint_in_progress`, `stripe_*`, and what
   * `StripeClients.for` throws
   */
  async remove(tenant: ProjectMode, { actor = A_MODULE }: { actor?: Actor } = {}): Promise<void> {
    const { projectId, mode } = tenant;
    await this.#withLease(tenant, async () => {
      const { stripe, known, isElsewhere } = await this.#connect(tenant);
      const ours = isElsewhere
        ? []
        : (await listEndpoints(stripe)).filter((endpoint) => isOurs(endpoint, projectId));
      if (ours.length === 0 && !known)
        throw new DomainError(
          'endpoint_not_found',
          `There is no ${mode} webhook endpoint that was made here.`,
        );
      for (const { id } of ours) {
        await deleteEndpoint(stripe, id);
        if (id !== known?.endpointId) await this.endpoints.recordRemovalOfStray(tenant, id, actor);
      }
      if (!known) return;
      await this.#forget(tenant, known, actor);
      this.#warnIfMissing(known, ours, projectId, actor);
    });
  }

  /** @returns `undefined` if the endpoint was deleted at Stripe meanwhile */
  async #update(
    { stripe, keyFingerprint }: Connection,
    lease: Lease,
    endpointId: string,
    url: string,
  ): Promise<Stripe.WebhookEndpoint | undefined> {
    const updated = await updateEndpoint(stripe, endpointId, url);
    if (!updated) return undefined;
    const now = await this.#connect(lease);
    if (now.known?.endpointId !== endpointId || !now.hasItsSecret || now.keyFingerprint !== keyFingerprint)
      throw changedMeanwhile();
    return updated;
  }

  async #create(
    { stripe, keyFingerprint }: Connection,
    lease: Lease,
    url: string,
    actor: Actor,
  ): Promise<Stripe.WebhookEndpoint> {
    const { projectId, mode } = lease;
    const endpoint = await createEndpoint(stripe, projectId, url);
    try {
      if (typeof endpoint.secret !== 'string') throw unreadable();
      const secret = new Secret(endpoint.secret);
      const made = {
        mode,
        endpointId: endpoint.id,
        secretFingerprint: this.configs.fingerprint(projectId, secret),
      };
      // Nothing is stored if the key changed meanwhile, or if the lease expired and another process took it.
      const change = { endpointId: endpoint.id, actor, write: () => this.#recordIfLeased(lease, made) };
      if (!(await this.configs.saveWebhookSecret(lease, { secret, keyFingerprint, endpoint: change })))
        throw changedMeanwhile();
    } catch (error) {
      await this.#tryToDelete(stripe, projectId, endpoint.id, actor);
      throw error;
    }
    return endpoint;
  }

  *#recordIfLeased(lease: Lease, made: StoredEndpoint): Steps<boolean> {
    if (!(yield* this.leases.confirm(lease))) return false;
    yield* this.endpoints.record(lease.projectId, made);
    return true;
  }

  /**
   * Reads the fingerprint before the key: if the key is replaced in between, the fingerprint is stale, and
   * nothing is stored.
   */
  async #connect(tenant: ProjectMode): Promise<Connection> {
    const { projectId, mode } = tenant;
    const config = await this.configs.find(projectId);
    const find = (kind: CredentialKind) =>
      config?.credentials.find((stored) => stored.mode === mode && stored.kind === kind);
    const [key, secret] = [find('secret_key'), find('webhook_secret')];
    const stripe = await this.clients.for(projectId, mode);
    const known = await this.endpoints.find(tenant);
    const hasItsSecret = known !== undefined && known.secretFingerprint === secret?.fingerprint;
    return {
      stripe,
      known,
      keyFingerprint: key?.fingerprint ?? '',
      hasItsSecret,
      isElsewhere: hasItsSecret && areOfDifferentAccounts(key, secret),
    };
  }

  /** Creates the client before the credentials, and with them its key, are destroyed. */
  async #prepareRemoval(tenant: ProjectMode, actor: Actor): Promise<Cleanup> {
    const { projectId, mode } = tenant;
    const known = await this.endpoints.find(tenant);
    if (!known) return {};
    const stripe = await this.clients.for(projectId, mode).catch(() => undefined);
    return {
      cleanUp: async () => {
        if (stripe) await this.#tryToDelete(stripe, projectId, known.endpointId, actor);
        else this.#warnOfRemains(projectId, known.endpointId, actor);
        await this.#forget(tenant, known, actor);
      },
    };
  }

  async #forget(
    tenant: ProjectMode,
    { endpointId, secretFingerprint }: StoredEndpoint,
    actor: Actor,
  ): Promise<void> {
    const write = () => this.endpoints.forget(tenant, endpointId);
    const endpoint = { endpointId, actor, write };
    await this.configs.removeWebhookSecret({ ...tenant, fingerprint: secretFingerprint, endpoint });
  }

  /**
   * Warns about a missing endpoint too: if the key belongs to another account, the endpoint still exists in
   * the old one.
   */
  async #tryToDelete(stripe: Stripe, projectId: ProjectId, endpointId: string, actor: Actor): Promise<void> {
    try {
      const removed = stripe.webhookEndpoints.del(endpointId, undefined, {
        timeout: REMOVAL_MS,
        maxNetworkRetries: 0,
      });
      await Deadline.within(REMOVAL_MS, () => removed, deadlineExceeded);
    } catch {
      this.#warnOfRemains(projectId, endpointId, actor);
    }
  }

  #warnIfMissing(
    { endpointId }: StoredEndpoint,
    found: Stripe.WebhookEndpoint[],
    projectId: ProjectId,
    actor: Actor,
  ): void {
    if (found.some(({ id }) => id === endpointId)) return;
    this.#warnOfRemains(projectId, endpointId, actor, ": the stored key's account does not have it");
  }

  #warnOfRemains(projectId: ProjectId, endpointId: string, { requestId }: Actor, why = ''): void {
    const remains = `The webhook endpoint ${endpointId} of project ${projectId} could not be removed at Stripe${why}`;
    this.#logger.warn(`${remains}; it can be removed in Stripe's dashboard.`, {
      requestId: requestId ?? undefined,
    });
  }

  /** Work that exceeds the deadline continues, and keeps its lease until its end. */
  async #withLease<T>(tenant: ProjectMode, work: (lease: Lease) => Promise<T>): Promise<T> {
    // Fails without a key, and so without a configuration, which the lease's foreign key needs.
    await this.clients.for(tenant.projectId, tenant.mode);
    const lease = await this.leases.take(tenant);
    if (!lease) throw inProgress();
    const working = work(lease).finally(() => this.leases.release(lease).catch(() => undefined));
    return Deadline.within(BUDGET_MS, () => working, deadlineExceeded);
  }
}
