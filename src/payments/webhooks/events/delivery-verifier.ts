import { Injectable } from '@nestjs/common';
import { DomainError, type ErrorCode } from '../../../common/errors.js';
import { PaymentsEvents } from '../../payments-events.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import { ConfigCache, ConfigChanges } from '../../stripe-config/config-cache.js';
import { StripeConfigService, type WebhookSecret } from '../../stripe-config/stripe-config.service.js';
import { EventReader, type ReceivedEvent } from './event-reader.js';
import { signatureProblem } from '../refusals/stripe-signature.js';
import { notReceiving, notVerifiable, type RefusalReason } from '../refusals/webhook-receiver.errors.js';

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

/** A request to a webhook URL. */
export interface Delivery extends ProjectMode {
  /** The `Stripe-Signature` header. */
  readonly signature: string | undefined;
  readonly bytes: Buffer;
  /** Time of arrival, in milliseconds since 1970. */
  readonly at: number;
}

/** Verifies signatures. No part of a body is parsed before its signature is verified. */
@Injectable()
export class DeliveryVerifier {
  constructor(
    private readonly secrets: WebhookSecrets,
    private readonly events: EventReader,
  ) {}

  /** @returns the event, or the reason to refuse it. @throws as `WebhookSecrets.find` */
  async verify(delivery: Delivery): Promise<ReceivedEvent | RefusalReason> {
    const { signature, bytes, at } = delivery;
    const secrets = await this.secrets.find(delivery);
    const problemWith = (some: readonly WebhookSecret[]) =>
      signatureProblem(
        signature,
        bytes,
        some.map(({ value }) => value),
        at,
      );
    const problem = problemWith(secrets);
    if (problem) return problem;
    const own = secrets.filter(({ isOfOtherAccount }) => !isOfOtherAccount);
    const isOfOtherAccount = own.length < secrets.length && problemWith(own) !== undefined;
    return this.events.read(delivery, bytes, { isOfOtherAccount });
  }
}
