import { Injectable } from '@nestjs/common';
import { DomainError, type ErrorCode } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { PaymentsEvents } from '../payments-events.js';
import { ConfigCache } from '../stripe-config/config-cache.js';
import { ConfigChanges } from '../stripe-config/config-changes.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { StripeConfigService, type WebhookSecret } from '../stripe-config/stripe-config.service.js';
import { notReceiving } from './refusals.js';

const MAX_KEPT = 10_000;

const MISSING: readonly ErrorCode[] = ['project_not_found', 'config_not_found', 'config_deleted', 'mode_not_configured'];

/** The opened webhook secrets of those who get events. */
@Injectable()
export class WebhookSecrets {
  readonly #kept: ConfigCache<WebhookSecret[]>;

  constructor(
    private readonly configs: StripeConfigService,
    changes: ConfigChanges,
    private readonly events: PaymentsEvents,
  ) {
    this.#kept = new ConfigCache(changes, MAX_KEPT);
  }

  /**
   * Those that are valid now, the newest first; at least one.
   * @throws DomainError `not_receiving`, whatever is missing: a sender has proven nothing yet; `event_not_processed` when the current one
   *   does not open
   */
  async find(projectId: ProjectId, mode: StripeMode): Promise<WebhookSecret[]> {
    const secrets = await this.#kept
      .get(projectId, mode, () => this.configs.openWebhookSecrets(projectId, mode))
      .catch((error: unknown) => {
        if (!(error instanceof DomainError)) throw error;
        if (error.code === 'credential_unreadable') throw this.#notVerifiable(error);
        throw MISSING.includes(error.code) ? notReceiving() : error;
      });
    const now = new Date();
    const valid = secrets.filter(({ validUntil }) => validUntil === null || validUntil > now);
    if (valid.length === 0) throw notReceiving();
    return valid;
  }

  /** Stripe tries again for days, until the secret is stored again. The owner reads why in the status; a stranger learns nothing. */
  #notVerifiable(cause: DomainError): DomainError {
    this.events.emit('webhook.received', { outcome: 'failed' });
    return new DomainError('event_not_processed', 'Signatures can not be checked here at the moment, so the event is to be sent again.', {
      cause,
    });
  }
}
