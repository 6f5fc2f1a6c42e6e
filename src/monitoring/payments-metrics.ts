import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { Mailer } from '../mail/mailer.js';
import { AccountsService } from '../accounts/accounts.service.js';
import { ServiceAccountCallers } from '../auth/service-account-callers.js';
import { EventLog } from '../payments/events/event-log.js';
import {
  DURABLE_EVENTS,
  type DurableEventName,
  PaymentsEvents,
  STRIPE_CALL_OUTCOMES,
  WEBHOOK_OUTCOMES,
} from '../payments/payments-events.js';
import { MetricsRegistry } from './metrics.controller.js';

type Backlog = Awaited<ReturnType<EventLog['backlog']>>;

/** Counts calls to Stripe, webhooks and refused keys, and measures the outbox. */
@Injectable()
export class PaymentsMetrics implements OnModuleInit {
  #reading: Promise<[DurableEventName, Backlog][]> | undefined;

  constructor(
    private readonly registry: MetricsRegistry,
    private readonly events: PaymentsEvents,
    private readonly log: EventLog,
  ) {}

  onModuleInit(): void {
    if (!this.registry.isOn) return;
    const invalid = this.#counter(
      'tillkeeper_credentials_invalid_total',
      'Stored secret keys that Stripe refused.',
      'mode',
      ['test', 'live'],
    );
    const calls = this.#counter(
      'tillkeeper_stripe_calls_total',
      'Requests to Stripe, including retries of the SDK.',
      'outcome',
      STRIPE_CALL_OUTCOMES,
    );
    const webhooks = this.#counter(
      'tillkeeper_webhooks_total',
      'Requests to webhook URLs.',
      'outcome',
      WEBHOOK_OUTCOMES,
    );
    this.#outboxGauge(
      'tillkeeper_outbox_events',
      'Events that wait for a listener, at most 10,000.',
      ({ waiting }) => waiting,
    );
    this.#outboxGauge(
      'tillkeeper_outbox_oldest_age_seconds',
      'Age of the oldest waiting event; 0 without one.',
      ({ oldest }) => (oldest ? Math.max(0, Date.now() - oldest.getTime()) / 1_000 : 0),
    );
    this.events.on('credentials.invalid', ({ mode }) => invalid.inc({ mode }));
    this.events.on('stripe.called', ({ outcome }) => calls.inc({ outcome }));
    const gateway = new Counter({
      name: 'tillkeeper_gateway_requests_total',
      help: 'Answers of the gateway to requests with a known gateway key.',
      labelNames: ['resource', 'action', 'status', 'mode'],
      registers: [this.registry],
    });
    this.events.on('gateway.answered', ({ resource, action, status, mode }) =>
      gateway.inc({ resource, action, status: String(status), mode }),
    );
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

  /** Reads once per scrape. Returns nothing during a database outage, so that other metrics still appear. */
  #readOutbox(): Promise<[DurableEventName, Backlog][]> {
    this.#reading ??= Promise.all(
      DURABLE_EVENTS.map(async (name) => [name, await this.log.backlog(name)] as [DurableEventName, Backlog]),
    )
      .catch(() => [])
      .finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  /** Starts every label at zero, so that Prometheus sees the first count as an increase. */
  #counter<Label extends string>(
    name: string,
    help: string,
    label: Label,
    values: readonly string[],
  ): Counter<Label> {
    const counter = new Counter({ name, help, labelNames: [label], registers: [this.registry] });
    for (const value of values) counter.labels(value).inc(0);
    return counter;
  }
}

/** Counts failed logins, which reveal password guessing, and mails. */
@Injectable()
export class AccountMetrics implements OnModuleInit {
  constructor(
    private readonly registry: MetricsRegistry,
    private readonly accounts: AccountsService,
    private readonly mailer: Mailer,
  ) {}

  onModuleInit(): void {
    if (!this.registry.isOn) return;
    const { failedLogins } = this.accounts;
    const { counts: mails } = this.mailer;
    new Counter({
      name: 'tillkeeper_mails_total',
      help: 'Mails that the mail server accepted, and mails that could not be sent.',
      labelNames: ['result'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [result, count] of Object.entries(mails)) this.inc({ result }, count);
      },
    });
    new Counter({
      name: 'tillkeeper_login_failures_total',
      help: 'Logins with a wrong address or password, and logins that were limited after too many failures.',
      labelNames: ['reason'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [reason, count] of Object.entries(failedLogins)) this.inc({ reason }, count);
      },
    });
  }
}

/** Counts keys of service accounts that were refused. */
@Injectable()
export class ServiceAccountMetrics implements OnModuleInit {
  constructor(
    private readonly registry: MetricsRegistry,
    private readonly callers: ServiceAccountCallers,
  ) {}

  onModuleInit(): void {
    if (!this.registry.isOn) return;
    const { refusals } = this.callers;
    new Counter({
      name: 'tillkeeper_service_account_refusals_total',
      help: 'Requests with a key of a service account that was refused.',
      labelNames: ['reason'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [reason, count] of Object.entries(refusals)) this.inc({ reason }, count);
      },
    });
  }
}
