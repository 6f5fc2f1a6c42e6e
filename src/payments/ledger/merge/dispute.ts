import {
  decide,
  type Decision,
  later,
  type Observation,
  type StateOf,
  type StoredVersion,
} from './observation.js';
import type { StripeDisputeEntity } from '../store/ledger.entities.js';
import { currencyOf } from '../read/read-payments.js';
import { required, type StripeObject } from '../read/stripe-object.js';
import { MAX_STATUS_LENGTH } from './subscription.js';

const MAX_REASON_LENGTH = 64;

export type DisputeState = StateOf<StripeDisputeEntity, 'disputeId'>;

/** A dispute as observed in an event or a response of Stripe. */
export interface DisputeFact extends DisputeState, Observation {
  readonly disputeId: string;
}

/** @param type of the event, which alone shows that money was withdrawn or returned */
export function readDispute(object: StripeObject, observed: Observation, type?: string): DisputeFact {
  const chargeId = object.id('charge') ?? null;
  const paymentIntentId = required(object.id('payment_intent') ?? chargeId, 'charge');
  // The oldest disputes have no id. They are recognised by `evidence_due_by`, and a charge had one at most.
  const disputeId = required(object.id('id') ?? (object.has('evidence_due_by') ? chargeId : undefined), 'id');
  return {
    ...observed,
    disputeId,
    chargeId,
    paymentIntentId,
    status: required(object.text('status', MAX_STATUS_LENGTH), 'status'),
    reason: object.text('reason', MAX_REASON_LENGTH) ?? null,
    amountCents: required(object.amount('amount'), 'amount'),
    currency: currencyOf(object),
    fundsWithdrawnAt: type === 'charge.dispute.funds_withdrawn' ? observed.asOf : null,
    fundsReinstatedAt: type === 'charge.dispute.funds_reinstated' ? observed.asOf : null,
    createdAt: object.time('created') ?? observed.asOf,
  };
}

/** Amount lost for good. */
export function lossOf({ status, amountCents }: DisputeState): number {
  return status === 'lost' ? amountCents : 0;
}

/** Open statuses in the order of the life cycle. */
export const DISPUTE_STAGES = [
  'warning_needs_response',
  'warning_under_review',
  'needs_response',
  'under_review',
];

const CLOSED = new Set(['won', 'lost', 'warning_closed', 'charge_refunded', 'prevented']);

export function isClosed(status: string): boolean {
  return CLOSED.has(status);
}

export function decideDispute(
  stored: (DisputeState & StoredVersion) | undefined,
  observed: DisputeFact,
): Decision {
  return decide(stored, observed, {
    rank: {
      stored: Number(stored !== undefined && CLOSED.has(stored.status)),
      observed: Number(CLOSED.has(observed.status)),
    },
    isSame: stored?.status === observed.status && stored.amountCents === observed.amountCents,
  });
}

/** @returns the state to write */
export function mergeDispute(
  stored: (DisputeState & StoredVersion) | undefined,
  observed: DisputeFact,
): DisputeState {
  if (!stored) return observed;
  const isNewer = decideDispute(stored, observed) === 'apply';
  return {
    ...(isNewer ? observed : stored),
    asOf: isNewer ? later(observed.asOf, stored.asOf) : stored.asOf,
    fundsWithdrawnAt: latest(stored.fundsWithdrawnAt, observed.fundsWithdrawnAt),
    fundsReinstatedAt: latest(stored.fundsReinstatedAt, observed.fundsReinstatedAt),
  };
}

function latest(one: Date | null, other: Date | null): Date | null {
  return one && other ? later(one, other) : (one ?? other);
}
