import { type Decision, decide, type Known, later, type Told } from './decision.js';
import { currencyOf } from './read-payments.js';
import type { StripeObject } from './stripe-object.js';
import { MAX_STATUS_LENGTH } from './subscription.js';
import { needed } from './unreadable.js';

const MAX_REASON_LENGTH = 64;

export interface DisputeState {
  readonly chargeId: string | null;
  readonly paymentIntentId: string | null;
  readonly status: string;
  readonly reason: string | null;
  readonly amountCents: number;
  readonly currency: string;
  readonly fundsWithdrawnAt: Date | null;
  readonly fundsReinstatedAt: Date | null;
  readonly createdAt: Date;
  readonly asOf: Date;
}

/** A dispute as an event or an answer of Stripe tells it. */
export interface DisputeFact extends DisputeState, Told {
  readonly disputeId: string;
}

/** @param type of the event: only that tells when money went or came back */
export function readDispute(object: StripeObject, told: Told, type?: string): DisputeFact {
  const chargeId = object.id('charge') ?? null;
  const paymentIntentId = needed(object.id('payment_intent') ?? chargeId, 'charge');
  // The oldest disputes, whose due date stood on them, have no id of their own: a charge had one at most.
  const disputeId = needed(object.id('id') ?? (object.has('evidence_due_by') ? chargeId : undefined), 'id');
  return {
    ...told,
    disputeId,
    chargeId,
    paymentIntentId,
    status: needed(object.text('status', MAX_STATUS_LENGTH), 'status'),
    reason: object.text('reason', MAX_REASON_LENGTH) ?? null,
    amountCents: needed(object.amount('amount'), 'amount'),
    currency: currencyOf(object),
    fundsWithdrawnAt: type === 'charge.dispute.funds_withdrawn' ? told.asOf : null,
    fundsReinstatedAt: type === 'charge.dispute.funds_reinstated' ? told.asOf : null,
    createdAt: object.time('created') ?? told.asOf,
  };
}

/** What is gone for good. */
export function lossOf({ status, amountCents }: DisputeState): number {
  return status === 'lost' ? amountCents : 0;
}

/** Through which a dispute goes until it is closed. */
export const DISPUTE_STAGES = ['warning_needs_response', 'warning_under_review', 'needs_response', 'under_review'];

const CLOSED = new Set(['won', 'lost', 'warning_closed', 'charge_refunded', 'prevented']);

export function decideDispute(known: (DisputeState & Known) | undefined, told: DisputeFact): Decision {
  return decide(known, told, {
    finality: { known: Number(known !== undefined && CLOSED.has(known.status)), told: Number(CLOSED.has(told.status)) },
    isSame: known?.status === told.status && known.amountCents === told.amountCents,
  });
}

/** @returns the dispute as it is to be written */
export function mergeDispute(known: (DisputeState & Known) | undefined, told: DisputeFact): DisputeState {
  if (!known) return told;
  const isNewer = decideDispute(known, told) === 'take';
  return {
    ...(isNewer ? told : known),
    asOf: isNewer ? later(told.asOf, known.asOf) : known.asOf,
    fundsWithdrawnAt: latest(known.fundsWithdrawnAt, told.fundsWithdrawnAt),
    fundsReinstatedAt: latest(known.fundsReinstatedAt, told.fundsReinstatedAt),
  };
}

function latest(one: Date | null, other: Date | null): Date | null {
  return one && other ? later(one, other) : (one ?? other);
}
