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

/** A client and the account of its key. */
export interface StripeConnection {
  readonly stripe: Stripe;
  /** Fingerprint of the account. Asks Stripe if the key has none yet: keys from before 2018 don't name it. */
  readonly account: () => Promise<string>;
  /** Id of the account, which is requested once. @throws the SDK's errors */
  readonly accountId: () => Promise<string>;
}

/** Caches one Stripe client per project and mode. */
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
   * Returns a client with the current key. Call it for each use: a kept client would keep a replaced key.
   * @throws DomainError `project_not_found`, `config_not_found`, `config_deleted`, `mode_not_configured`,
   * `credential_unreadable`, `database_unavailable`
   */
  async for(projectId: ProjectId, mode: StripeMode): Promise<Stripe> {
    return (await this.connect(projectId, mode)).stripe;
  }

  /** Returns the client with its account. @throws as `for` */
  connect(projectId: ProjectId, mode: StripeMode): Promise<StripeConnection> {
    return this.#connections.get(projectId, mode, async () => {
      const { stripe, fingerprint, accountFingerprint } = await this.#open(projectId, mode);
      const accountId = once(() => this.#learnAccount(stripe, projectId, { mode, fingerprint }));
      const account = async () =>
        accountFingerprint ?? this.configs.accountFingerprint(projectId, await accountId());
      return { stripe, account, accountId };
    });
  }

  /** Returns a client outside of the cache, whose first answer is a verdict on the key. @throws as `for` */
  async connectAnew(projectId: ProjectId, mode: StripeMode): Promise<Stripe> {
    return (await this.#open(projectId, mode)).stripe;
  }

  async #open(projectId: ProjectId, mode: StripeMode) {
    const { value, ...key } = await this.configs.openSecretKey(projectId, mode);
    const onAnswer = this.health.followUse(projectId, { mode, fingerprint: key.fingerprint });
    return { ...key, stripe: await this.connector.connect(value, { onAnswer }) };
  }

  async #learnAccount(stripe: Stripe, projectId: ProjectId, key: KeyIdentity): Promise<string> {
    const account = await findAccount(stripe);
    await this.health.recordAccount(projectId, key, account);
    return account.id;
  }
}

/** Caches a success, and retries after a failure. */
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
