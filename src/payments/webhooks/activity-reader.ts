import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { type ModeActivity, WebhookActivity } from '../stripe-api/webhook-activity.js';
import { STRIPE_MODES } from '../stripe-config/credential-rules.js';
import { refusalSentence } from './refusals.js';
import { WebhookEventsRepository } from './webhook-events.repository.js';
import { WebhookEventsService } from './webhook-events.service.js';

/** Tells the status of a project's connection what arrived and what last went wrong, be it an event or a delivery that was refused. */
@Injectable()
export class ActivityReader {
  constructor(
    activity: WebhookActivity,
    private readonly repository: WebhookEventsRepository,
    private readonly events: WebhookEventsService,
  ) {
    activity.readBy((projectId) => this.#read(projectId));
  }

  async #read(projectId: ProjectId): Promise<ModeActivity[]> {
    // The latest first.
    const refusals = await this.events.refusals(projectId, null);
    const activities = await this.repository.activity(projectId);
    return STRIPE_MODES.map((mode) => {
      const { lastEventAt = null, lastFailure = null, unreadableEvents = 0 } = activities.find((each) => each.mode === mode) ?? {};
      const refused = refusals.find((each) => each.mode === mode);
      const refusal = refused && { at: refused.lastAt.toISOString(), reason: refusalSentence(refused.reason) };
      const latest = refusal && !(lastFailure && lastFailure.at > refusal.at) ? refusal : lastFailure;
      return { mode, lastEventAt, lastFailure: latest, unreadableEvents };
    });
  }
}
