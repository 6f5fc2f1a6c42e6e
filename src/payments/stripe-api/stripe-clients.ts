import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type Stripe from 'stripe';
import type { ProjectId } from '../../common/ids.js';
import { BELIEVED_MS, ConfigChanges } from '../stripe-config/config-changes.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { StripeConfigService } from '../stripe-config/stripe-config.service.js';
import { KeyChecksService } from './key-checks.service.js';
import { StripeConnector } from './stripe-connector.js';

const MAX_CLIENTS = 1_000;

/** Ready Stripe clients, each with the secret key of one project and mode. */
@Injectable()
export class StripeClients {
  readonly #clients = new LRUCache<string, Stripe>({ max: MAX_CLIENTS, ttl: BELIEVED_MS });
  /** Raised by every change of any configuration: a load that overlaps one may have read the old key, and is not kept. */
  #changes = 0;

  constructor(
    private readonly configs: StripeConfigService,
    private readonly changes: ConfigChanges,
    private readonly connector: StripeConnector,
    private readonly checks: KeyChecksService,
  ) {
    changes.onChange((projectId) => {
      this.#changes++;
      for (const mode of ['test', 'live'] as const) this.#clients.delete(cacheKey(projectId, mode));
    });
    changes.onGap(() => {
      this.#changes++;
      this.#clients.clear();
    });
  }

  /**
   * A client with the project's current key. Ask for it each time it is needed rather than keeping it: after a key was replaced or
   * deleted, in this process or another, the next call has the new one.
   * @throws DomainError `project_not_found`, `config_not_found`, `config_deleted`, `mode_not_configured`, `database_unavailable`
   */
  async for(projectId: ProjectId, mode: StripeMode): Promise<Stripe> {
    const cached = this.changes.areComplete ? this.#clients.get(cacheKey(projectId, mode)) : undefined;
    return cached ?? this.#load(projectId, mode);
  }

  async #load(projectId: ProjectId, mode: StripeMode): Promise<Stripe> {
    const changesBefore = this.#changes;
    const { value, fingerprint } = await this.configs.openSecretKey(projectId, mode);
    const client = await this.connector.connect(value, { onAnswer: this.checks.followUse(projectId, { mode, fingerprint }) });
    if (changesBefore === this.#changes && this.changes.areComplete) this.#clients.set(cacheKey(projectId, mode), client);
    return client;
  }
}

function cacheKey(projectId: ProjectId, mode: StripeMode): string {
  return `${mode} ${projectId}`;
}
