import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import {
  DeliveriesService,
  type PendingDeliveries,
} from '../payments/events/delivery-log/deliveries.service.js';
import { ATTEMPT_RESULTS, PaymentsEvents } from '../payments/payments-events.js';
import { MetricsRegistry } from './metrics.controller.js';

/** Counts attempts to deliver events to destinations, and measures what is pending. */
@Injectable()
export class EventMetrics implements OnModuleInit {
  #reading: Promise<PendingDeliveries | undefined> | undefined;

  constructor(
    private readonly registry: MetricsRegistry,
    private readonly events: PaymentsEvents,
    private readonly deliveries: DeliveriesService,
  ) {}

  onModuleInit(): void {
    if (!this.registry.isOn) return;
    const attempts = new Counter({
      name: 'tillkeeper_event_attempts_total',
      help: 'Attempts to deliver events to destinations.',
      labelNames: ['result'],
      registers: [this.registry],
    });
    for (const result of ATTEMPT_RESULTS) attempts.labels(result).inc(0);
    this.events.on('delivery.attempted', ({ result }) => attempts.inc({ result }));
    this.#gauge(
      'tillkeeper_event_deliveries_pending',
      'Deliveries that wait for an attempt to an enabled destination, at most 10,000.',
      ({ count }) => count,
    );
    this.#gauge(
      'tillkeeper_event_deliveries_oldest_age_seconds',
      'How long the oldest delivery that is due to a working destination has waited; 0 without one.',
      ({ oldest }) => (oldest ? Math.max(0, Date.now() - oldest.getTime()) / 1_000 : 0),
    );
  }

  #gauge(name: string, help: string, valueOf: (pending: PendingDeliveries) => number): void {
    const read = () => this.#read();
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        const pending = await read();
        if (pending) this.set(valueOf(pending));
        else this.reset();
      },
    });
  }

  /** Reads once per scrape. Returns nothing during a database outage, so that other metrics still appear. */
  #read(): Promise<PendingDeliveries | undefined> {
    this.#reading ??= this.deliveries
      .pending()
      .catch(() => undefined)
      .finally(() => (this.#reading = undefined));
    return this.#reading;
  }
}
