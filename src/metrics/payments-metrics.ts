import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { LEDGER_EVENT_NAMES, type LedgerEventName } from '../payments/ledger/ledger-events.js';
import { OutboxRepository } from '../payments/ledger/outbox.repository.js';
import { PaymentsEvents, STRIPE_CALL_OUTCOMES, WEBHOOK_OUTCOMES } from '../payments/stripe-api/payments-events.js';
import { MetricsRegistry } from './metrics-registry.js';

type Backlog = Awaited<ReturnType<OutboxRepository['backlog']>>;

/** What Stripe said to us, what it sent us, the keys that it stopped taking, and what other modules are still to hear. */
@Injectable()
export class PaymentsMetrics implements OnModuleInit {
  #reading: Promise<[LedgerEventName, Backlog][]> | undefined;

  constructor(
    private readonly registry: MetricsRegistry,
    private readonly events: PaymentsEvents,
    private readonly outbox: OutboxRepository,
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
    this.#outboxGauge('tillkeeper_outbox_events', 'Events that wait for a listener, at most 10,000.', ({ waiting }) => waiting);
    this.#outboxGauge('tillkeeper_outbox_oldest_age_seconds', 'How long the oldest of them waits; 0 where none does.', ({ oldest }) =>
      oldest ? Math.max(0, Date.now() - oldest.getTime()) / 1_000 : 0,
    );
    this.events.on('credentials.invalid', ({ mode }) => invalid.inc({ mode }));
    this.events.on('stripe.called', ({ outcome }) => calls.inc({ outcome }));
    this.events.on('webhook.received', ({ outcome }) => webhooks.inc({ outcome }));
  }

  #outboxGauge(name: string, help: string, valueOf: (backlog: Backlog) => number): void {
    const read = () => this.#readOutbox();
    new Gauge({
      name,
      help,
      labelNames: ['event'],
      registers: [this.registry],
      async collect() {
        this.reset();
        for (const [event, backlog] of await read()) this.set({ event }, valueOf(backlog));
      },
    });
  }

  /** Gauges that are read together share the answer. While the database is away there is none, and the other metrics are shown. */
  #readOutbox(): Promise<[LedgerEventName, Backlog][]> {
    this.#reading ??= Promise.all(
      LEDGER_EVENT_NAMES.map(async (name) => [name, await this.outbox.backlog(name)] as [LedgerEventName, Backlog]),
    )
      .catch(() => [])
      .finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  /** Begins with a zero for each label, so that the first count is seen as an increase. */
  #counter<Label extends string>(name: string, help: string, label: Label, values: readonly string[]): Counter<Label> {
    const counter = new Counter({ name, help, labelNames: [label], registers: [this.registry] });
    for (const value of values) counter.labels(value).inc(0);
    return counter;
  }
}
