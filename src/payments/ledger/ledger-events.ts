import { Injectable } from '@nestjs/common';
import type { EndUserId, ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import type { PaymentSource } from './payment.js';
import type { Pause } from './subscription.js';

/** Times are RFC 3339, UTC, milliseconds; `id` is ours, the other ids are Stripe's. */
export interface LedgerSubscription {
  readonly id: string;
  readonly subscriptionId: string;
  readonly userId: EndUserId | null;
  readonly customerId: string | null;
  readonly status: string;
  readonly priceId: string | null;
  readonly planName: string | null;
  readonly quantity: number;
  readonly currentPeriodStart: string | null;
  readonly currentPeriodEnd: string | null;
  readonly cancelAt: string | null;
  readonly cancelledAt: string | null;
  /** `null` for a subscription that is not paused. */
  readonly pause: Pause<string> | null;
  readonly createdAt: string;
}

/** `id` and `subscriptionId` are ours. Amounts are minor units. */
export interface LedgerPayment {
  readonly id: string;
  readonly paymentIntentId: string;
  readonly userId: EndUserId | null;
  readonly customerId: string | null;
  readonly subscriptionId: string | null;
  readonly status: string;
  readonly amountCents: number;
  readonly currency: string;
  readonly source: PaymentSource;
  readonly refundedAmountCents: number;
  readonly description: string | null;
  readonly createdAt: string;
}

interface Tenant {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
}

/** What other modules of the process can hear of the ledger. */
export interface LedgerEventMap {
  /** A subscription is new, or anything in it changed. */
  'subscription.changed': Tenant & { readonly subscription: LedgerSubscription };
  /** A payment is new, or changed in anything but its time and a larger refund: also when less is refunded, because a refund failed. */
  'payment.recorded': Tenant & { readonly payment: LedgerPayment };
  /** More of a payment was refunded. */
  'payment.refunded': Tenant & { readonly payment: LedgerPayment; readonly refundedNowCents: number };
}

export type LedgerEventName = keyof LedgerEventMap;

/** One of them, with its name. */
export type LedgerEvent = { [Name in LedgerEventName]: readonly [name: Name, event: LedgerEventMap[Name]] }[LedgerEventName];

export const LEDGER_EVENT_NAMES = ['subscription.changed', 'payment.recorded', 'payment.refunded'] as const satisfies LedgerEventName[];

/** Of an event: the same each time that it is told. */
export interface Telling {
  readonly eventId: string;
  /** 1 for the first. */
  readonly attempt: number;
}

type Listener<Name extends LedgerEventName> = (event: LedgerEventMap[Name], telling: Telling) => void | Promise<void>;

/** Tells of what was committed, at least once, across crashes: an event comes again until every listener took it without throwing. */
@Injectable()
export class LedgerEvents {
  readonly #listeners: { name: string; hear: (payload: string, telling: Telling) => Promise<void> }[] = [];

  on<Name extends LedgerEventName>(name: Name, listener: Listener<Name>): void {
    this.#listeners.push({ name, hear: async (payload, telling) => listener(JSON.parse(payload) as LedgerEventMap[Name], telling) });
  }

  isHeard(name: LedgerEventName): boolean {
    return this.#listeners.some((listener) => listener.name === name);
  }

  /** @param payload as JSON @returns whether every listener took it */
  async tell(name: LedgerEventName, payload: string, telling: Telling): Promise<boolean> {
    const listeners = this.#listeners.filter((listener) => listener.name === name);
    const results = await Promise.allSettled(listeners.map(({ hear }) => hear(payload, telling)));
    return results.every(({ status }) => status === 'fulfilled');
  }
}
