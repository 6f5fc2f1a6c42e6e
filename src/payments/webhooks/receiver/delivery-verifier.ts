import { Injectable } from '@nestjs/common';
import { DomainError, type ErrorCode } from '../../../common/errors.js';
import type { ProjectId } from '../../../common/ids.js';
import { PaymentsEvents } from '../../payments-events.js';
import { ConfigCache, ConfigChanges } from '../../stripe-config/config-cache.js';
import { StripeConfigService, type WebhookSecret } from '../../stripe-config/stripe-config.service.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { EventReader } from '../events/event-payloads.js';
import type { ReceivedEvent } from '../events/received-event.js';
import { signatureProblem } from './stripe-signature.js';
import { notReceiving, type RefusalReason } from './webhook-refusals.js';

const MAX_KEPT = 10_000;

const MISSING: readonly ErrorCode[] = [
  'project_not_found',
  'config_not_found',
  'config_deleted',
  'mode_not_configured',
];

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
    return new DomainError(
      'event_not_processed',
      'Signatures can not be checked here at the moment, so the event is to be sent again.',
      {
        cause,
      },
    );
  }
}

/** What was posted to a webhook URL. */
export interface Delivery {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
  /** The `Stripe-Signature` header. */
  readonly signature: string | undefined;
  readonly bytes: Buffer;
  /** When it came, in milliseconds since 1970. */
  readonly at: number;
}

/** Tells Stripe's deliveries from those of strangers. Nothing of a body is read before its signature holds. */
@Injectable()
export class DeliveryVerifier {
  constructor(
    private readonly secrets: WebhookSecrets,
    private readonly events: EventReader,
  ) {}

  /** @returns the event, or why it is refused. @throws as `WebhookSecrets.find` */
  async verify({ projectId, mode, signature, bytes, at }: Delivery): Promise<ReceivedEvent | RefusalReason> {
    const secrets = await this.secrets.find(projectId, mode);
    const problemOf = (some: readonly WebhookSecret[]) =>
      signatureProblem(
        signature,
        bytes,
        some.map(({ value }) => value),
        at,
      );
    const problem = problemOf(secrets);
    if (problem) return problem;
    const own = secrets.filter(({ isOfOtherAccount }) => !isOfOtherAccount);
    return this.events.read(
      projectId,
      mode,
      bytes,
      own.length < secrets.length && problemOf(own) !== undefined,
    );
  }
}
