import type Stripe from 'stripe';
import { IdempotencyKeys } from './idempotency.js';
import { present } from './present.js';
import { missing, type StripeMode } from './refusals.js';
import { example, type Kind, newId, type Resources, type StripeEvent } from './resources.js';

/** The part of the server that the objects of an account use. */
export interface Site {
  readonly url: string;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly announce: (event: StripeEvent) => void;
}

export const DEFAULT_VERSION = '2026-08-26.dahlia';

type Tables = { [K in Kind]: Map<string, Resources[K]> };

/** Names of missing objects in Stripe's messages, if different from `object`. */
const SPOKEN: Partial<Record<Kind, string>> = {
  webhook_endpoint: 'webhook endpoint',
  'billing_portal.configuration': 'configuration',
};

/** The objects of one account in one mode. They refer to each other by id; `present` builds the answers. */
export class StripeData {
  /** The API version of the account's events, fixed when the account was created. */
  apiVersion = DEFAULT_VERSION;
  /** The current request, for the events that it causes. */
  request: Stripe.Event.Request | null = null;
  /** The account's objects in the other mode. */
  twin?: StripeData;
  readonly idempotencyKeys = new IdempotencyKeys();
  readonly deletedCustomers = new Set<string>();
  /** Signing secrets by endpoint: Stripe shows them once. */
  readonly webhookSecrets = new Map<string, string>();
  private readonly tables: Tables = {
    customer: new Map(),
    product: new Map(),
    price: new Map(),
    'checkout.session': new Map(),
    'billing_portal.session': new Map(),
    'billing_portal.configuration': new Map(),
    subscription: new Map(),
    invoice: new Map(),
    invoice_payment: new Map(),
    payment_intent: new Map(),
    charge: new Map(),
    refund: new Map(),
    dispute: new Map(),
    webhook_endpoint: new Map(),
    event: new Map(),
  };

  constructor(
    readonly mode: StripeMode,
    readonly site: Site,
  ) {}

  get livemode(): boolean {
    return this.mode === 'live';
  }

  /** Creates an object from the published example, with its own id, time and mode, and these fields. */
  create<K extends Kind>(kind: K, fields: Partial<Resources[K]>): Resources[K] {
    const base = example(kind);
    const own = {
      id: this.newId(kind),
      created: this.site.now(),
      ...('livemode' in base && { livemode: this.livemode }),
    };
    const resource = { ...base, ...own, ...fields };
    this.tables[kind].set(resource.id, resource);
    return resource;
  }

  private newId(kind: Kind): string {
    const id = newId(kind);
    return kind === 'checkout.session' ? id.replace('cs_', `cs_${this.mode}_`) : id;
  }

  get<K extends Kind>(kind: K, id: string, param = 'id'): Resources[K] {
    const found = this.tables[kind].get(id);
    if (found) return found;
    throw missing(SPOKEN[kind] ?? kind, id, param, this.twin?.has(kind, id) ? this.twin.mode : undefined);
  }

  /** The newest first. */
  all<K extends Kind>(kind: K): Resources[K][] {
    return [...this.tables[kind].values()].reverse();
  }

  has(kind: Kind, id: string): boolean {
    return this.tables[kind].has(id);
  }

  delete(kind: Kind, id: string): void {
    this.get(kind, id);
    this.tables[kind].delete(id);
  }

  /** Any object by its id. */
  find(id: string): Resources[Kind] | undefined {
    for (const table of Object.values(this.tables)) {
      const found = table.get(id);
      if (found) return found;
    }
    return undefined;
  }

  /** Creates an event with a copy of `object`. */
  record(type: string, object: unknown, previous?: Record<string, unknown>): void {
    const event = this.create('event', {
      type,
      api_version: this.apiVersion,
      data: { object: present(object), ...(previous && { previous_attributes: previous }) },
      pending_webhooks: this.listeners(type).length,
      request: this.request,
    });
    this.site.announce(event);
  }

  /** Changes an object, and creates an event with the former values of its fields. */
  change<T extends object>(type: string, object: T, fields: Partial<T>): T {
    const before = new Map(Object.entries(present(object) as object));
    Object.assign(object, fields);
    const changed = Object.keys(fields).filter(
      (name) => JSON.stringify(before.get(name)) !== JSON.stringify(Reflect.get(object, name)),
    );
    if (changed.length > 0)
      this.record(type, object, Object.fromEntries(changed.map((name) => [name, before.get(name)])));
    return object;
  }

  listeners(type: string): Stripe.WebhookEndpoint[] {
    return this.all('webhook_endpoint').filter(
      ({ status, enabled_events: events }) =>
        status === 'enabled' && (events.includes('*') || events.includes(type)),
    );
  }
}
