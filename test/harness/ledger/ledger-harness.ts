import type { ProjectId } from '../../../src/common/ids.js';
import { Database, toTimestamp } from '../../../src/database/database.js';
import { isHandled } from '../../../src/payments/webhooks/handled-events.js';
import { LedgerService } from '../../../src/payments/ledger/ledger.service.js';
import { retryIfStale } from '../../../src/payments/ledger/merge/observation.js';
import type { StripeEvent as ReceivedEvent } from '../../../src/payments/ledger/merge/ledger-change.js';
import type { StripeMode } from '../../../src/payments/stripe/stripe-mode.js';
import type { AppWithStripe } from '../app-with-stripe.js';
import { rowsOf } from '../database/rows.js';
import type { StripeEvent } from '../stripe/resources.js';
import type { StripeAccount } from '../stripe/stripe-account.js';
import { configPath } from '../test-app.js';

type Row = Record<string, unknown>;

const SUBSCRIPTION_COLUMNS = [
  ...['subscription_id', 'user_id', 'customer_id', 'status', 'price_id', 'plan_name', 'quantity'],
  ...['current_period_start', 'current_period_end', 'cancel_at', 'cancelled_at', 'created_at'],
];
const PAYMENT_COLUMNS = [
  ...[
    'payment_intent_id',
    'user_id',
    'customer_id',
    'status',
    'amount_cents',
    'currency',
    'source',
    'refunded_amount_cents',
    'created_at',
  ],
];

export interface States {
  readonly subscriptions: Row[];
  readonly payments: Row[];
}

/** A project with keys of its own account in both modes, and access to its ledger. */
export class LedgerHarness {
  private constructor(
    private readonly app: AppWithStripe,
    readonly projectId: ProjectId,
    readonly account: StripeAccount,
  ) {}

  static async open(app: AppWithStripe, account = app.stripe.addAccount()): Promise<LedgerHarness> {
    const projectId = await app.createProject();
    const body = { test_secret_key: account.keys.test.secret, live_secret_key: account.keys.live.secret };
    await app.send('put', configPath(projectId)).send(body).expect(200);
    return new LedgerHarness(app, projectId, account);
  }

  /** Applies an event as the receiver does, without the claim. */
  async apply(event: StripeEvent, mode: StripeMode = 'test'): Promise<void> {
    const [ledger, database] = [this.app.app.get(LedgerService), this.app.app.get(Database)];
    await retryIfStale(async () => {
      const change = await ledger.prepare(this.received(event, mode));
      await database.transaction(() => ledger.apply(change));
    });
  }

  /** Reads an event as the receiver does. */
  received(
    { id, type, created, api_version: apiVersion, data }: StripeEvent,
    mode: StripeMode = 'test',
  ): ReceivedEvent {
    return {
      projectId: this.projectId,
      mode,
      id,
      type,
      apiVersion,
      created: new Date(created * 1_000),
      object: data.object,
    };
  }

  /** Applies all events of the account, by default in the order of their creation. */
  async applyAll(events: readonly StripeEvent[] = this.events()): Promise<void> {
    for (const event of events) await this.apply(event);
  }

  /** The events that our endpoint subscribes to, the oldest first. */
  events(mode: StripeMode = 'test'): StripeEvent[] {
    return this.account[mode]
      .all('event')
      .reverse()
      .filter(({ type }) => isHandled(type));
  }

  /** Sorted by Stripe's ids. */
  subscriptions(): Promise<Row[]> {
    return this.rows('stripe_subscriptions', 'subscription_id');
  }

  payments(): Promise<Row[]> {
    return this.rows('stripe_payments', 'payment_intent_id');
  }

  disputes(): Promise<Row[]> {
    return this.rows('stripe_disputes', 'dispute_id');
  }

  /** Events of the ledger that no listener received, the oldest first. */
  async outbox(): Promise<Row[]> {
    const events = await this.rows('events', 'id');
    return events.filter(
      ({ type, due_at: due }) => due !== null && /^(?:subscription|payment)\./.test(String(type)),
    );
  }

  /** The rows of one mode as clients see them, without our ids. */
  async states(mode: StripeMode = 'test'): Promise<States> {
    const subscriptions = (await this.subscriptions()).filter((row) => row['mode'] === mode);
    const payments = (await this.payments()).filter((row) => row['mode'] === mode);
    const stripeIds = new Map(subscriptions.map((row) => [row['id'], row['subscription_id']]));
    return {
      subscriptions: subscriptions.map((row) => pick(row, SUBSCRIPTION_COLUMNS)),
      payments: payments.map((row) => ({
        ...pick(row, PAYMENT_COLUMNS),
        subscription: stripeIds.get(row['subscription_id']) ?? null,
      })),
    };
  }

  /**
   * Stored statistics, summed over the slots: `test subscription active`, `test usd gross`. Zeros are
   * omitted.
   */
  async statistics(): Promise<Record<string, number>> {
    const sums: Record<string, number> = {};
    const add = (name: string, amount: unknown) => (sums[name] = (sums[name] ?? 0) + Number(amount));
    for (const row of await this.rows('ledger_counts', 'slot'))
      add(`${String(row['mode'])} ${String(row['kind'])} ${String(row['status'])}`, row['total']);
    for (const row of await this.rows('ledger_revenue', 'slot'))
      for (const column of ['payments', 'gross_cents', 'net_cents', 'out_of_band_cents'])
        add(`${String(row['mode'])} ${String(row['currency'])} ${column}`, row[column]);
    return Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0));
  }

  /** Statistics counted from the rows. */
  async recount(): Promise<Record<string, number>> {
    const sums: Record<string, number> = {};
    const add = (name: string, amount: number) => (sums[name] = (sums[name] ?? 0) + amount);
    for (const { mode, status } of await this.subscriptions())
      add(`${String(mode)} subscription ${String(status)}`, 1);
    for (const {
      mode,
      status,
      currency,
      source,
      amount_cents: amount,
      refunded_amount_cents: refunded,
    } of await this.payments()) {
      add(`${String(mode)} payment ${String(status)}`, 1);
      if (!['succeeded', 'partially_refunded', 'refunded'].includes(String(status))) continue;
      add(`${String(mode)} ${String(currency)} payments`, 1);
      add(`${String(mode)} ${String(currency)} gross_cents`, Number(amount));
      add(`${String(mode)} ${String(currency)} net_cents`, Number(amount) - Number(refunded));
      if (source === 'out_of_band')
        add(`${String(mode)} ${String(currency)} out_of_band_cents`, Number(amount));
    }
    for (const { mode, status, currency, amount_cents: amount } of await this.disputes())
      if (status === 'lost') add(`${String(mode)} ${String(currency)} net_cents`, -Number(amount));
    return Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0));
  }

  /** Stored revenue by day and the number of active subscriptions, summed over the slots. Zeros are omitted. */
  async series(): Promise<Record<string, number>> {
    const sums = new Sums();
    for (const row of await this.rows('ledger_days', 'slot'))
      for (const column of AMOUNTS) sums.add([row['mode'], row['day'], row['currency'], column], row[column]);
    for (const row of await this.rows('ledger_active_days', 'slot'))
      sums.add([row['mode'], 'active'], row['change']);
    return sums.withoutZeros();
  }

  /** The series counted from the rows. */
  async recountSeries(): Promise<Record<string, number>> {
    const sums = new Sums();
    const dayOf = (time: unknown) => String(time).slice(0, 10);
    for (const { mode, status } of await this.subscriptions())
      if (['active', 'trialing'].includes(String(status))) sums.add([mode, 'active'], 1);
    for (const row of await this.payments()) {
      if (!['succeeded', 'partially_refunded', 'refunded'].includes(String(row['status']))) continue;
      const paid = [row['mode'], dayOf(row['created_at']), row['currency']];
      sums.add([...paid, 'payments'], 1);
      sums.add([...paid, 'gross_cents'], row['amount_cents']);
      sums.add([...paid, 'net_cents'], row['amount_cents']);
      let before = 0;
      for (const [asOf, total] of JSON.parse(String(row['refund_steps'])) as [string, number][]) {
        const refunded = [row['mode'], dayOf(asOf), row['currency']];
        sums.add([...refunded, 'refunded_cents'], total - before);
        sums.add([...refunded, 'net_cents'], before - total);
        before = total;
      }
      expect(before).toBe(Number(row['refunded_amount_cents']));
    }
    for (const row of await this.disputes()) {
      const opened = [row['mode'], dayOf(row['created_at']), row['currency']];
      sums.add([...opened, 'disputes'], 1);
      sums.add([...opened, 'disputed_cents'], row['amount_cents']);
      if (row['status'] === 'lost') sums.add([...opened, 'net_cents'], -Number(row['amount_cents']));
    }
    return sums.withoutZeros();
  }

  async rows(table: string, order: string): Promise<Row[]> {
    const rows = (await rowsOf(this.app.database, table))
      .filter((row) => row['project_id'] === this.projectId)
      .map(alike);
    return rows.sort((one, other) => (String(one[order]) < String(other[order]) ? -1 : 1));
  }
}

const AMOUNTS = ['payments', 'gross_cents', 'refunded_cents', 'disputes', 'disputed_cents', 'net_cents'];

class Sums {
  readonly #sums = new Map<string, number>();

  add(name: readonly unknown[], amount: unknown): void {
    const key = name.map(String).join(' ');
    this.#sums.set(key, (this.#sums.get(key) ?? 0) + Number(amount));
  }

  withoutZeros(): Record<string, number> {
    return Object.fromEntries([...this.#sums].filter(([, sum]) => sum !== 0));
  }
}

/** A row in one form for both engines: times as RFC 3339, amounts as numbers. */
function alike(row: Row): Row {
  const value = (column: string, stored: unknown) => {
    if (stored instanceof Date) return stored.toISOString();
    if (/(_cents|^total|^payments)$/.test(column)) return Number(stored);
    return typeof stored === 'string' && /^\d{4}-\d\d-\d\d \d\d:/.test(stored) ? toTimestamp(stored) : stored;
  };
  return Object.fromEntries(Object.entries(row).map(([column, stored]) => [column, value(column, stored)]));
}

function pick(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(columns.map((column) => [column, row[column]]));
}
