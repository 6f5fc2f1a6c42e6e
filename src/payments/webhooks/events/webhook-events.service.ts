import { Injectable } from '@nestjs/common';
import type { Actor } from '../../../common/actor.js';
import { DomainError } from '../../../common/errors.js';
import type { ProjectId } from '../../../common/ids.js';
import { HistoryTrail } from '../../../history/history-trail.js';
import { SealBroken } from '../../../vault/seal/seal.js';
import { STRIPE_MODES, type StripeMode } from '../../stripe/stripe-mode.js';
import { WebhookEndpointsRepository } from '../endpoints/webhook-endpoints.repository.js';
import { DeliveryNotes } from './delivery-notes.js';
import { refusal, refusalSentence } from '../refusals/webhook-receiver.errors.js';
import type { RefusalCount } from '../refusals/webhook-refusal.entity.js';
import { WebhookRefusalsRepository } from '../refusals/webhook-refusals.repository.js';
import { EventHandlerService } from './event-handler.service.js';
import { EventPayloads } from './event-payloads.js';
import { EventReader, isEventId } from './event-reader.js';
import type { WebhookEventEntity } from './webhook-event.entity.js';
import {
  type Activity,
  type EventFilter,
  type EventList,
  WebhookEventsRepository,
} from './webhook-events.repository.js';
import type { EventRow } from './webhook-events.statements.js';

/** The state of one mode's webhooks. `lastFailure` is that of an event or of a refused delivery. */
export interface WebhookState extends Activity {
  readonly endpointId: string | null;
}

/** Shows a project's events and refused deliveries to its owner, and replays events. */
@Injectable()
export class WebhookEventsService {
  constructor(
    private readonly events: WebhookEventsRepository,
    private readonly counts: WebhookRefusalsRepository,
    private readonly payloads: EventPayloads,
    private readonly handler: EventHandlerService,
    private readonly reader: EventReader,
    private readonly notes: DeliveryNotes,
    private readonly endpoints: WebhookEndpointsRepository,
    private readonly history: HistoryTrail,
  ) {}

  /** Newest first. */
  list(
    projectId: ProjectId,
    filter: EventFilter,
    page: { offset: number; limit: number },
  ): Promise<EventList> {
    return this.events.list(projectId, filter, page);
  }

  /** Includes those that this process has only counted in memory so far. */
  async refusals(projectId: ProjectId, mode: StripeMode | null): Promise<RefusalCount[]> {
    await this.notes.write();
    return this.counts.findByProject(projectId, mode);
  }

  async states(projectId: ProjectId): Promise<WebhookState[]> {
    // Newest first.
    const refusals = await this.refusals(projectId, null);
    const activities = await this.events.activity(projectId);
    const endpoints = await this.endpoints.findByProject(projectId);
    return STRIPE_MODES.map((mode) => {
      const {
        lastEventAt = null,
        lastFailure = null,
        unreadableEvents = 0,
      } = activities.find((each) => each.mode === mode) ?? {};
      const refused = refusals.find((each) => each.mode === mode);
      const refusal = refused && {
        at: refused.lastAt,
        reason: refusalSentence(refused.reason),
      };
      const latest = refusal && !(lastFailure && lastFailure.at > refusal.at) ? refusal : lastFailure;
      const { endpointId = null } = endpoints.find((each) => each.mode === mode) ?? {};
      return { mode, endpointId, lastEventAt, lastFailure: latest, unreadableEvents };
    });
  }

  /**
   * The payload of an event as JSON. It has personal data, so the history records who reads it.
   * @throws DomainError `webhook_event_not_found`, `payload_gone`
   */
  async readPayload(projectId: ProjectId, id: string, actor: Actor): Promise<string> {
    const event = await this.#find(projectId, id);
    const json = await this.#unseal(projectId, event);
    const details = { mode: event.mode, webhook_event: id };
    await this.history.record(projectId, { action: 'webhook_payload.read', details, actor, at: new Date() });
    return json;
  }

  /**
   * Handles an event again, with its stored payload.
   * @throws DomainError `webhook_event_not_found`, `payload_gone`, `webhook_refused`, and what
   * `EventHandlerService.handleAgain` throws
   */
  async replay(projectId: ProjectId, id: string): Promise<EventRow> {
    const event = await this.#find(projectId, id);
    const json = await this.#unseal(projectId, event);
    const received = await this.reader.read({ projectId, mode: event.mode }, Buffer.from(json));
    // On arrival it was ignored as an event of another account, before its mode was checked.
    if (received === 'wrong_mode') throw refusal(received);
    if (received === 'unreadable')
      throw new Error('An event that could be read once can not be read any more.');
    await this.handler.handleAgain({ ...received, isRepeated: event.outcome === 'applied' });
    return this.#find(projectId, id);
  }

  /** @throws DomainError `payload_gone` */
  async #unseal(projectId: ProjectId, { id, mode, sealed }: WebhookEventEntity): Promise<string> {
    if (sealed === null)
      throw new DomainError('payload_gone', 'The payload of this event is not kept any more.');
    return this.payloads.unseal({ projectId, mode }, id, sealed).catch((error: unknown) => {
      if (!(error instanceof SealBroken)) throw error;
      throw new DomainError('payload_gone', 'The kept payload of this event can not be opened.');
    });
  }

  async #find(projectId: ProjectId, id: string): Promise<WebhookEventEntity> {
    const found = isEventId(id) ? await this.events.find(projectId, id) : undefined;
    if (!found) throw new DomainError('webhook_event_not_found', 'There is no event with this id.');
    return found;
  }
}
