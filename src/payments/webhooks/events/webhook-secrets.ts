import { Injectable } from '@nestjs/common';
import { DomainError, type ErrorCode } from '../../../common/errors.js';
import { PaymentsEvents } from '../../payments-events.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { ConfigCache, ConfigChanges } from '../../stripe-config/config-cache.js';
import { StripeConfigService, type WebhookSecret } from '../../stripe-config/stripe-config.service.js';
import { notReceiving, notVerifiable } from '../refusals/webhook-receiver.errors.js';

const MAX_CACHED = 10_000;

const MISSING: readonly ErrorCode[] = [
  'project_not_found',
  'config_not_found',
  'config_deleted',
  'mode_not_configured',
];

/** Caches the webhook secrets of projects that get events. */
@Injectable()
export class WebhookSecrets {
  readonly #cache: ConfigCache<WebhookSecret[]>;

  constructor(
    private readonly configs: StripeConfigService,
    changes: ConfigChanges,
    private readonly events: PaymentsEvents,
  ) {
    this.#cache = new ConfigCache(changes, MAX_CACHED);
  }

  /**
   * @returns the secrets that are valid now, newest first; at least one
   * @throws DomainError `not_receiving` if anything is missing, because the sender isn't verified yet;
   * `event_not_processed` if the current
   *   secret can't be unsealed
   */
  async find({ projectId, mode }: ProjectMode): Promise<WebhookSecret[]> {
    const secrets = await this.#cache
      .get(projectId, mode, () => this.configs.openWebhookSecrets(projectId, mode))
      .catch((error: unknown) => {
        if (!(error instanceof DomainError)) throw error;
        if (error.code === 'credential_unreadable') {
          // Stripe retries for days. Until then the owner can store the secret again.
          this.events.emit('webhook.received', { outcome: 'failed' });
          throw notVerifiable(error);
        }
        throw MISSING.includes(error.code) ? notReceiving() : error;
      });
    const now = new Date();
    const valid = secrets.filter(({ validUntil }) => validUntil === null || validUntil > now);
    if (valid.length === 0) throw notReceiving();
    return valid;
  }
}
