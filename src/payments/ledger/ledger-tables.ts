import type { EndUserId } from '../../common/ids.js';
import { sql } from '../../database/database.js';
import type { DisputeState } from './dispute.js';
import { LedgerTable } from './ledger-table.js';
import type { PaymentState } from './payment.js';
import type { SubscriptionState } from './subscription.js';

export interface OwnedSubscription extends SubscriptionState {
  readonly userId: EndUserId | null;
}

export const SUBSCRIPTIONS = new LedgerTable<OwnedSubscription>('stripe_subscriptions', 'subscription_id', {
  userId: ['user_id', 'text'],
  customerId: ['customer_id', 'text'],
  status: ['status', 'text'],
  priceId: ['price_id', 'text'],
  planName: ['plan_name', 'text'],
  quantity: ['quantity', 'integer'],
  currentPeriodStart: ['current_period_start', 'time'],
  currentPeriodEnd: ['current_period_end', 'time'],
  cancelAt: ['cancel_at', 'time'],
  cancelledAt: ['cancelled_at', 'time'],
  pauseBehavior: ['pause_behavior', 'text'],
  pauseResumesAt: ['pause_resumes_at', 'time'],
  pauseReason: ['pause_reason', 'text'],
  createdAt: ['created_at', 'time'],
  asOf: ['as_of', 'time'],
});

/**
 * $1 project, $2 mode, $3 subscription, $4 whether Stripe answered with the stored key. An event alone proves no account: it counts only for
 * a row that nobody confirmed yet.
 */
export const CONFIRM_SUBSCRIPTION = sql<never>(
  `UPDATE stripe_subscriptions SET confirmed_by = k.fingerprint FROM stripe_credentials k
   WHERE k.project_id = $1 AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0
     AND stripe_subscriptions.project_id = $1 AND stripe_subscriptions.mode = $2 AND subscription_id = $3
     AND (confirmed_by IS NULL OR ($4 AND confirmed_by <> k.fingerprint))`,
  'confirm_stripe_subscription',
);

export const PAYMENTS = new LedgerTable<PaymentState>('stripe_payments', 'payment_intent_id', {
  userId: ['user_id', 'text'],
  userRank: ['user_rank', 'integer'],
  customerId: ['customer_id', 'text'],
  subscriptionId: ['subscription_id', 'text'],
  status: ['status', 'text'],
  amountCents: ['amount_cents', 'integer'],
  currency: ['currency', 'text'],
  source: ['source', 'text'],
  refundedAmountCents: ['refunded_amount_cents', 'integer'],
  refundedAsOf: ['refunded_as_of', 'time'],
  description: ['description', 'text'],
  createdAt: ['created_at', 'time'],
  sourceRank: ['source_rank', 'integer'],
  asOf: ['as_of', 'time'],
});

export const DISPUTES = new LedgerTable<DisputeState>('stripe_disputes', 'dispute_id', {
  chargeId: ['charge_id', 'text'],
  paymentIntentId: ['payment_intent_id', 'text'],
  status: ['status', 'text'],
  reason: ['reason', 'text'],
  amountCents: ['amount_cents', 'integer'],
  currency: ['currency', 'text'],
  fundsWithdrawnAt: ['funds_withdrawn_at', 'time'],
  fundsReinstatedAt: ['funds_reinstated_at', 'time'],
  createdAt: ['created_at', 'time'],
  asOf: ['as_of', 'time'],
});
