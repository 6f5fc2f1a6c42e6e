import type { EndUserId } from '../../../common/ids.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import type { DisputeFact } from './dispute.js';
import type { MetadataSource } from '../read/foreign-object.js';
import type { PaymentFact } from './payment.js';
import type { SubscriptionFact } from './subscription.js';

/** Customer, subscription and user that an object names. The ids are Stripe's. */
export interface Party {
  /** Empty, `cus_…`, `acct_…`, or both ids of one customer. */
  readonly customerIds: readonly string[];
  readonly subscriptionId?: string;
  /** The user of the customer and of the subscription. */
  readonly userId?: EndUserId;
  readonly asOf: Date;
}

/** Change by one event, completed with Stripe's responses and ready to be written. */
export interface LedgerChange extends ProjectMode {
  readonly party: Party;
  readonly subscription?: SubscriptionFact;
  readonly payments: readonly PaymentFact[];
  /** Id of an invoice whose `out_of_band` payment turned out not to exist. */
  readonly withdrawnPaymentId?: string | undefined;
  readonly dispute?: DisputeFact;
  /** Whether Stripe announces the end of the subscription's trial. */
  readonly isTrialEnding?: boolean;
  /** Whether the object's own `metadata.project_id` names this project. */
  readonly isOurs?: boolean;
  /** Objects whose metadata names no other project. */
  readonly unclaimed?: readonly MetadataSource[];
}

/** An event of any API version whose signature is valid. */
export interface StripeEvent extends ProjectMode {
  /** `evt_…` */
  readonly id: string;
  readonly type: string;
  /** Whole seconds, as Stripe sends them. */
  readonly created: Date;
  readonly apiVersion: string | null;
  /** `data.object`, unchanged. */
  readonly object: unknown;
  /** Whether it was applied before. It then announces nothing again. */
  readonly isRepeated?: boolean;
}
