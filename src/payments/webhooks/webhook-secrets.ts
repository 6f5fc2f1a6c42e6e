import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import type { Secret } from '../../common/secret.js';
import { ConfigCache } from '../stripe-config/config-cache.js';
import { ConfigChanges } from '../stripe-config/config-changes.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { StripeConfigService, type WebhookSecret } from '../stripe-config/stripe-config.service.js';

const MAX_KEPT = 10_000;

/** The opened webhook secrets of those who get events. */
@Injectable()
export class WebhookSecrets {
  readonly #kept: ConfigCache<WebhookSecret[]>;

  constructor(
    private readonly configs: StripeConfigService,
    changes: ConfigChanges,
  ) {
    this.#kept = new ConfigCache(changes, MAX_KEPT);
  }

  /** Those that are valid now, the newest first. @throws as `StripeConfigService.openWebhookSecrets` */
  async find(projectId: ProjectId, mode: StripeMode): Promise<Secret[]> {
    const secrets = await this.#kept.get(projectId, mode, () => this.configs.openWebhookSecrets(projectId, mode));
    const now = new Date();
    return secrets.filter(({ validUntil }) => validUntil === null || validUntil > now).map(({ value }) => value);
  }
}
