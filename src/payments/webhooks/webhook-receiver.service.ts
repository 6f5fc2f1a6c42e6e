import { Injectable } from '@nestjs/common';
import { DomainError } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { PaymentsEvents } from '../stripe-api/payments-events.js';
import { DeliveryNotes } from './delivery-notes.js';
import { EventHandlerService, type Handled } from './event-handler.service.js';
import { refusal, type RefusalReason } from './refusals.js';
import { readEvent } from './received-event.js';
import { signatureProblem } from './stripe-signature.js';
import { WebhookSecrets } from './webhook-secrets.js';

/** Takes what is posted to a project's webhook URL: only what Stripe signed gets further than this. */
@Injectable()
export class WebhookReceiverService {
  constructor(
    private readonly secrets: WebhookSecrets,
    private readonly handler: EventHandlerService,
    private readonly notes: DeliveryNotes,
    private readonly events: PaymentsEvents,
  ) {}

  /**
   * @param signature the `Stripe-Signature` header
   * @throws DomainError `webhook_refused`, `event_not_processed`, `database_unavailable`, and what
   * `StripeConfigService.openWebhookSecrets` throws
   */
  async receive(projectId: ProjectId, mode: StripeMode, signature: string | undefined, bytes: Buffer): Promise<Handled> {
    const secrets = await this.secrets.find(projectId, mode);
    const problem = signatureProblem(signature, bytes, secrets, Date.now());
    if (problem) throw this.#refuse(projectId, mode, problem);
    const event = readEvent(projectId, mode, bytes);
    if (!event) throw this.#refuse(projectId, mode, 'unreadable');
    if (event.livemode !== (mode === 'live')) throw this.#refuse(projectId, mode, 'wrong_mode');
    try {
      const outcome = await this.handler.handle(event);
      this.events.emit('webhook.received', { outcome });
      return outcome;
    } catch (error) {
      this.events.emit('webhook.received', { outcome: 'failed' });
      throw toldToStripe(error);
    }
  }

  #refuse(projectId: ProjectId, mode: StripeMode, reason: RefusalReason): DomainError {
    this.notes.refused(projectId, mode, reason);
    this.events.emit('webhook.received', { outcome: 'refused' });
    return refusal(reason);
  }
}

/** Of whatever went wrong, Stripe has to know that it is to send the event again, and its Dashboard shows the owner why. */
function toldToStripe(error: unknown): DomainError {
  if (error instanceof DomainError && error.code === 'database_unavailable') return error;
  const why = error instanceof DomainError ? `: ${error.message}` : '.';
  return new DomainError('event_not_processed', `The event could not be processed, and is to be sent again${why}`, { cause: error });
}
