import { Injectable } from '@nestjs/common';
import { DomainError } from '../../../common/errors.js';
import { isDatabaseUnavailable } from '../../../database/database-errors.js';
import { PaymentsEvents } from '../../payments-events.js';
import { DeliveryNotes } from './delivery-notes.js';
import { type Delivery, DeliveryVerifier } from './delivery-verifier.js';
import { EventHandlerService, type Handled } from '../events/event-handler.service.js';
import type { ReceivedEvent } from '../events/received-event.js';
import { refusal } from './webhook-refusals.js';

/** Takes what is posted to a project's webhook URL: only what Stripe signed gets further than this. */
@Injectable()
export class WebhookReceiverService {
  constructor(
    private readonly verifier: DeliveryVerifier,
    private readonly handler: EventHandlerService,
    private readonly notes: DeliveryNotes,
    private readonly events: PaymentsEvents,
  ) {}

  /**
   * @throws DomainError `webhook_refused`, `event_not_processed`, `database_unavailable`, and as `WebhookSecrets.find`
   */
  async receive(delivery: Delivery): Promise<Handled> {
    const event = await this.#verify(delivery);
    try {
      const outcome = await this.handler.handle(event);
      this.events.emit('webhook.received', { outcome });
      return outcome;
    } catch (error) {
      this.events.emit('webhook.received', { outcome: 'failed' });
      throw toldToStripe(error);
    }
  }

  async #verify(delivery: Delivery): Promise<ReceivedEvent> {
    const verified = await this.verifier.verify(delivery).catch((error: unknown) => {
      if (isDatabaseUnavailable(error)) this.notes.unverified(delivery, error);
      throw error;
    });
    if (typeof verified !== 'string') return verified;
    this.notes.refused(delivery.projectId, delivery.mode, verified);
    this.events.emit('webhook.received', { outcome: 'refused' });
    throw refusal(verified);
  }
}

/** Of whatever went wrong, Stripe has to know that it is to send the event again, and its Dashboard shows the owner why. */
function toldToStripe(error: unknown): DomainError {
  if (isDatabaseUnavailable(error)) return error;
  const why = error instanceof DomainError ? `: ${error.message}` : '.';
  return new DomainError(
    'event_not_processed',
    `The event could not be processed, and is to be sent again${why}`,
    { cause: error },
  );
}
