import type { EndUserId } from '../../../common/ids.js';
import type { ProjectMode } from '../../project-mode.js';
import type { DisputeFact } from './dispute.js';
import type { MetadataSource } from '../read/foreign-object.js';
import type { PaymentFact } from './payment.js';
import type { SubscriptionFact } from './subscription.js';

/** Whom an object is about, as far as it says. The ids are Stripe's. */
export interface Party {
  /** None, `cus_…`, `acct_…`, or both ids of one customer. */
  readonly customerIds: readonly string[];
  readonly subscriptionId?: string;
  /** To whom the customer, and the subscription if there is one, belongs. */
  readonly userId?: EndUserId;
  readonly asOf: Date;
}

/** What an event changes, with all that was asked of Stripe for it: ready to be written. */
export interface LedgerChange extends ProjectMode {
  readonly party: Party;
  readonly subscription?: SubscriptionFact;
  readonly payments: readonly PaymentFact[];
  /** A payment that was thought to have been made outside of Stripe, under the id of its invoice. */
  readonly withdrawnPaymentId?: string | undefined;
  readonly dispute?: DisputeFact;
  /** Whether its own `metadata.project_id` names this project. */
  readonly isOurs?: boolean;
  /** Objects whose metadata names no other project. */
  readonly unclaimed?: readonly MetadataSource[];
}

/** An event of Stripe whose signature held, of whatever API version. */
export interface StripeEvent extends ProjectMode {
  /** `evt_…` */
  readonly id: string;
  readonly type: string;
  /** Whole seconds: Stripe tells no better. */
  readonly created: Date;
  readonly apiVersion: string | null;
  /** `data.object` as it came. */
  readonly object: unknown;
}
