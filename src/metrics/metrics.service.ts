import { Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { PaymentsEvents } from '../payments/stripe-api/payments-events.js';

/** What an operator watches, for Prometheus. Never a tenant's data: no project, no key, no name. */
@Injectable()
export class MetricsService {
  readonly #registry = new Registry();

  constructor(events: PaymentsEvents) {
    const invalidCredentials = new Counter({
      name: 'tillkeeper_credentials_invalid_total',
      help: 'Stored secret keys that Stripe was found to refuse.',
      labelNames: ['mode'],
      registers: [this.#registry],
    });
    for (const mode of ['test', 'live']) invalidCredentials.inc({ mode }, 0);
    events.on('credentials.invalid', ({ mode }) => invalidCredentials.inc({ mode }));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics of this process in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
