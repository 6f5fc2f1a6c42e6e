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

/** A project with keys of both modes of an account of its own, and what its ledger has. */
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

  /** An event is applied as the receiver does it, whose claim is not under test here. */
  async apply(event: StripeEvent, mode: StripeMode = 'test'): Promise<void> {
    const [ledger, database] = [this.app.app.get(LedgerService), this.app.app.get(Database)];
    await retryIfStale(async () => {
      const change = await ledger.prepare(this.received(event, mode));
      await database.transaction(() => ledger.apply(change));
    });
  }

  /** As the receiver reads it. */
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

  /** All that the account's events tell, in the order of their making unless another is given. */
  async applyAll(events: readonly StripeEvent[] = this.events()): Promise<void> {
    for (const event of events) await this.apply(event);
  }

  /** Those that our endpoint asks for, the oldest first. */
  events(mode: StripeMode = 'test'): StripeEvent[] {
    return this.account[mode]
      .all('event')
      .reverse()
      .filter(({ type }) => isHandled(type));
  }

  /** In the order of Stripe's ids. */
  subscriptions(): Promise<Row[]> {
    return this.rows('stripe_subscriptions', 'subscription_id');
  }

  payments(): Promise<Row[]> {
    return this.rows('stripe_payments', 'payment_intent_id');
  }

  disputes(): Promise<Row[]> {
    return this.rows('stripe_disputes', 'dispute_id');
  }

  outbox(): Promise<Row[]> {
    return this.rows('ledger_outbox', 'created_at');
  }

  /** What clients can see of one mode, without ids of ours. */
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

  /** What is kept, with the slots added up: `test subscription active` or `test usd gross`. Nothing of what there is nothing of. */
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

  /** The same, counted row by row. */
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

  private async rows(table: string, order: string): Promise<Row[]> {
    const rows = (await rowsOf(this.app.database, table))
      .filter((row) => row['project_id'] === this.projectId)
      .map(alike);
    return rows.sort((one, other) => (String(one[order]) < String(other[order]) ? -1 : 1));
  }
}

/** As both engines would tell it: times as RFC 3339, amounts as numbers. */
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
