import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from './stripe-mode.js';

/** What arrived for one mode. Times are RFC 3339, UTC, milliseconds. */
export interface ModeActivity {
  readonly mode: StripeMode;
  readonly lastEventAt: string | null;
  readonly lastFailure: { at: string; reason: string } | null;
  /** How many events are in a form that is not known. */
  readonly unreadableEvents: number;
}

type Reader = (projectId: ProjectId) => Promise<ModeActivity[]>;

/** How webhooks are doing. The room that receives them stands above this one, and says by itself how to ask. */
@Injectable()
export class WebhookActivity {
  #read: Reader = () => Promise.resolve([]);

  readBy(read: Reader): void {
    this.#read = read;
  }

  find(projectId: ProjectId): Promise<ModeActivity[]> {
    return this.#read(projectId);
  }
}
