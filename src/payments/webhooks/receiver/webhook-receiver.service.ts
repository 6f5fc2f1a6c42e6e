import { Injectable } from '@nestjs/common';
import { isDatabaseUnavailable } from '../../../database/database-errors.js';
import { PaymentsEvents } from '../../payments-events.js';
import { EventHandlerService, type Handled } from '../events/event-handler.service.js';
import type { ReceivedEvent } from '../events/event-reader.js';
import { DeliveryNotes } from '../events/delivery-notes.js';
import { DeliveryVerifier } from '../events/delivery-verifier.js';
import type { Delivery } from '../monitor/delivery-observer.js';
import { notProcessed, refusal } from '../refusals/webhook-receiver.errors.js';

/** Verifies deliveries to webhook URLs, and hands authentic events to the handler. */
@Injectable()
export class WebhookReceiverService {
  constructor(
    private readonly verifier: DeliveryVerifier,
    private readonly handler: EventHandlerService,
    private readonly notes: DeliveryNotes,
    private readonly events: PaymentsEvents,
  ) {}

  /**
   * @throws DomainError `webhook_refused`, `event_not_processed`, `database_unavailable`, and as
   * `WebhookSecrets.find`
   */
  async receive(delivery: Delivery): Promise<Handled> {
    const event = await this.#verify(delivery);
    try {
      const outcome = await this.handler.handle(event);
      this.events.emit('webhook.received', { outcome });
      return outcome;
    } catch (error) {
      this.events.emit('webhook.received', { outcome: 'failed' });
      throw isDatabaseUnavailable(error) ? error : notProcessed(error);
    }
  }

  async #verify(delivery: Delivery): Promise<ReceivedEvent> {
    const verified = await this.verifier.verify(delivery).catch((error: unknown) => {
      if (isDatabaseUnavailable(error)) this.notes.unverified(delivery, error);
      throw error;
    });
    if (typeof verified !== 'string') return verified;
    this.notes.refused(delivery, verified);
    this.events.emit('webhook.received', { outcome: 'refused' });
    throw refusal(verified);
  }
}
