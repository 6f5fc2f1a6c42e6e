import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import type { ProjectId } from '../../../common/ids.js';
import { ConfigCache } from '../config-cache.js';
import { ConfigChanges } from '../config-cache.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { StripeConfigService } from '../stripe-config.service.js';
import { KeyHealth } from './key-health.js';
import { findAccount } from './key-probe.js';
import type { KeyIdentity } from './key-probe.js';
import { StripeConnector } from '../../stripe/stripe-connector.js';

const MAX_CLIENTS = 1_000;

/** A client, and to which of Stripe's accounts it leads. */
export interface StripeConnection {
  readonly stripe: Stripe;
  /**
   * The account's fingerprint in this project. Stripe is asked for it where neither the key nor an earlier
   * check told: keys from before 2018 don't.
   */
  readonly account: () => Promise<string>;
  /** Stripe's id of the account, for which Stripe is asked once. @throws what the SDK throws */
  readonly accountId: () => Promise<string>;
}

/** Ready Stripe clients, each with the secret key of one project and mode. */
@Injectable()
export class StripeClients {
  readonly #connections: ConfigCache<StripeConnection>;

  constructor(
    private readonly configs: StripeConfigService,
    changes: ConfigChanges,
    private readonly connector: StripeConnector,
    private readonly health: KeyHealth,
  ) {
    this.#connections = new ConfigCache(changes, MAX_CLIENTS);
  }

  /**
   * A client with the project's current key. Ask for it each time it is needed rather than keeping it: after
   * a key was replaced or deleted, in this process or another, the next call has the new one.
   * @throws DomainError `project_not_found`, `config_not_found`, `config_deleted`, `mode_not_configured`,
   * `database_unavailable`
   */
  async for(projectId: ProjectId, mode: StripeMode): Promise<Stripe> {
    return (await this.connect(projectId, mode)).stripe;
  }

  /** The same with the account. @throws as `for` */
  connect(projectId: ProjectId, mode: StripeMode): Promise<StripeConnection> {
    return this.#connections.get(projectId, mode, async () => {
      const { value, fingerprint, accountFingerprint } = await this.configs.openSecretKey(projectId, mode);
      const stripe = await this.connector.connect(value, {
        onAnswer: this.health.followUse(projectId, { mode, fingerprint }),
      });
      const accountId = once(() => this.#learnAccount(stripe, projectId, { mode, fingerprint }));
      const account = async () =>
        accountFingerprint ?? this.configs.accountFingerprint(projectId, await accountId());
      return { stripe, account, accountId };
    });
  }

  async #learnAccount(stripe: Stripe, projectId: ProjectId, key: KeyIdentity): Promise<string> {
    const account = await findAccount(stripe);
    await this.health.recordAccount(projectId, key, account);
    return account.id;
  }
}

/** Keeps what succeeds, and tries again what failed. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => {
    done ??= work().catch((error: unknown) => {
      done = undefined;
      throw error;
    });
    return done;
  };
}
