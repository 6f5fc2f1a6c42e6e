import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import type { ProjectId } from '../../common/ids.js';
import { ConfigCache } from '../stripe-config/config-cache.js';
import { ConfigChanges } from '../stripe-config/config-changes.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { StripeConfigService } from '../stripe-config/stripe-config.service.js';
import { KeyChecksService } from './key-checks.service.js';
import { StripeConnector } from './stripe-connector.js';

const MAX_CLIENTS = 1_000;

/** Ready Stripe clients, each with the secret key of one project and mode. */
@Injectable()
export class StripeClients {
  readonly #clients: ConfigCache<Stripe>;

  constructor(
    private readonly configs: StripeConfigService,
    changes: ConfigChanges,
    private readonly connector: StripeConnector,
    private readonly checks: KeyChecksService,
  ) {
    this.#clients = new ConfigCache(changes, MAX_CLIENTS);
  }

  /**
   * A client with the project's current key. Ask for it each time it is needed rather than keeping it: after a key was replaced or
   * deleted, in this process or another, the next call has the new one.
   * @throws DomainError `project_not_found`, `config_not_found`, `config_deleted`, `mode_not_configured`, `database_unavailable`
   */
  for(projectId: ProjectId, mode: StripeMode): Promise<Stripe> {
    return this.#clients.get(projectId, mode, async () => {
      const { value, fingerprint } = await this.configs.openSecretKey(projectId, mode);
      return this.connector.connect(value, { onAnswer: this.checks.followUse(projectId, { mode, fingerprint }) });
    });
  }
}
