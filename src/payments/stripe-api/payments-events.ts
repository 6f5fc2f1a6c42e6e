import { EventEmitter } from 'node:events';
import { Injectable, Logger } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from './stripe-mode.js';

/** `refused`: with a 4xx, `failed`: with a 5xx or with something that is no answer of Stripe's, `unreachable`: with nothing. */
export const STRIPE_CALL_OUTCOMES = ['succeeded', 'refused', 'rate_limited', 'failed', 'unreachable'] as const;
export type StripeCallOutcome = (typeof STRIPE_CALL_OUTCOMES)[number];

/** `unreadable`: in a form that this version does not know; `refused`: nothing that Stripe signed for this project; `failed`: Stripe is to send it again. */
export const WEBHOOK_OUTCOMES = ['applied', 'ignored', 'unreadable', 'duplicate', 'refused', 'failed'] as const;
export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];

/** What other modules of the process can hear of. */
export interface PaymentsEventMap {
  /** Stripe refused a project's stored secret key, for the first time since that key was stored or last accepted. */
  'credentials.invalid': { projectId: ProjectId; mode: StripeMode; reason: string };
  'stripe.called': { outcome: StripeCallOutcome };
  'webhook.received': { outcome: WebhookOutcome };
}

/** Events of this process, told as they happen; a listener that throws or rejects is logged and disturbs nobody. */
@Injectable()
export class PaymentsEvents {
  readonly #emitter = new EventEmitter();
  readonly #logger = new Logger(PaymentsEvents.name);

  on<Name extends keyof PaymentsEventMap>(name: Name, listener: (event: PaymentsEventMap[Name]) => void | Promise<void>): void {
    this.#emitter.on(name, (event: PaymentsEventMap[Name]) => {
      const heard = async () => listener(event);
      heard().catch(() => this.#logger.error(`A listener for ${name} failed.`));
    });
  }

  emit<Name extends keyof PaymentsEventMap>(name: Name, event: PaymentsEventMap[Name]): void {
    this.#emitter.emit(name, event);
  }
}
