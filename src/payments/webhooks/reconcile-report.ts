import type { StripeMode } from '../stripe-config/credential-rules.js';

const MAX_NAMED = 100;

interface FailedEvent {
  readonly id: string;
  readonly type: string;
  /** In our words. */
  readonly reason: string;
}

/** What a reconciliation read, and what it found missing or different. It grows while it runs. */
export class ReconcileReport {
  /** Whether it came to its end. */
  isComplete = false;
  /** `known`: applied or ignored before. */
  readonly events = { read: 0, known: 0, applied: 0, ignored: 0, unreadable: 0, failed: 0 };
  /** The first of those that failed. */
  readonly failures: FailedEvent[] = [];
  /** `repaired`: were not here as Stripe has them. `missing`: are not over here, and Stripe has none such. */
  readonly subscriptions = { compared: 0, repaired: 0, missing: 0 };
  /** The first of those that were repaired, by Stripe's id. */
  readonly repaired: string[] = [];
  readonly missing: string[] = [];

  constructor(
    readonly mode: StripeMode,
    readonly since: Date,
  ) {}

  addFailure(failure: FailedEvent): void {
    this.events.failed += 1;
    if (this.failures.length < MAX_NAMED) this.failures.push(failure);
  }

  addRepair(subscriptionId: string): void {
    this.subscriptions.repaired += 1;
    if (this.repaired.length < MAX_NAMED) this.repaired.push(subscriptionId);
  }

  addMissing(subscriptionId: string): void {
    this.subscriptions.missing += 1;
    if (this.missing.length < MAX_NAMED) this.missing.push(subscriptionId);
  }
}
