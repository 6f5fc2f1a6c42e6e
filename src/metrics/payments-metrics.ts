import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Counter } from 'prom-client';
import { PaymentsEvents, STRIPE_CALL_OUTCOMES, WEBHOOK_OUTCOMES } from '../payments/stripe-api/payments-events.js';
import { MetricsRegistry } from './metrics-registry.js';

/** What Stripe said to us, what it sent us, and the keys that it stopped taking. */
@Injectable()
export class PaymentsMetrics implements OnModuleInit {
  constructor(
    private readonly registry: MetricsRegistry,
    private readonly events: PaymentsEvents,
  ) {}

  onModuleInit(): void {
    if (!this.registry.isOn) return;
    const invalid = this.#counter('tillkeeper_credentials_invalid_total', 'Stored secret keys that Stripe was found to refuse.', 'mode', [
      'test',
      'live',
    ]);
    const calls = this.#counter(
      'tillkeeper_stripe_calls_total',
      "Requests to Stripe, the SDK's retries too.",
      'outcome',
      STRIPE_CALL_OUTCOMES,
    );
    const webhooks = this.#counter('tillkeeper_webhooks_total', 'What was posted to webhook URLs.', 'outcome', WEBHOOK_OUTCOMES);
    this.events.on('credentials.invalid', ({ mode }) => invalid.inc({ mode }));
    this.events.on('stripe.called', ({ outcome }) => calls.inc({ outcome }));
    this.events.on('webhook.received', ({ outcome }) => webhooks.inc({ outcome }));
  }

  /** Begins with a zero for each label, so that the first count is seen as an increase. */
  #counter<Label extends string>(name: string, help: string, label: Label, values: readonly string[]): Counter<Label> {
    const counter = new Counter({ name, help, labelNames: [label], registers: [this.registry] });
    for (const value of values) counter.labels(value).inc(0);
    return counter;
  }
}
