import fc from 'fast-check';
import type { EndUserId } from '../../../common/ids.js';
import type { StoredVersion } from './observation.js';
import {
  decidePayment,
  decideRefund,
  mergePayment,
  type PaymentFact,
  type PaymentState,
  SOURCE_RANKS,
  USER_RANKS,
} from './payment.js';

const SECOND = 1_000;
const USER = '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11' as EndUserId;
const NOBODY = { userId: null, userRank: USER_RANKS.none };
const CUSTOMERS = {
  userId: '00000000-0000-0000-0000-000000000000' as EndUserId,
  userRank: USER_RANKS.customer,
};
const SUBSCRIPTION = 'our id of the subscription';

type Row = PaymentState & StoredVersion;

const COMMON = {
  paymentIntentId: 'pi_a',
  currency: 'usd',
  source: 'stripe' as const,
  refundedAmountCents: 0,
  refundedAsOf: null,
};

/**
 * Observations of a PaymentIntent, from its attempts to success or cancellation.
 * @param times in seconds, rising
 */
function factsOf(times: readonly number[], isPaid: boolean, refunds: readonly number[]): PaymentFact[] {
  const at = (nth: number) => new Date((times[nth] ?? 0) * SECOND);
  const intent = {
    ...COMMON,
    customerId: 'cus_a',
    amountCents: 1_000,
    description: 'A thing',
    createdAt: at(0),
    sourceRank: SOURCE_RANKS.intent,
  };
  const facts: PaymentFact[] = [
    { ...intent, status: 'requires_action', asOf: at(1) },
    { ...intent, status: 'requires_payment_method', asOf: at(2) },
    { ...intent, status: 'processing', asOf: at(3) },
  ];
  if (!isPaid) return [...facts, { ...intent, status: 'canceled', asOf: at(4) }];
  const paid = { ...COMMON, status: 'succeeded', amountCents: 1_001, customerId: 'cus_a', description: null };
  return [
    ...facts,
    { ...intent, status: 'succeeded', asOf: at(4) },
    { ...paid, sourceRank: SOURCE_RANKS.invoice, subscriptionId: 'sub_a', createdAt: at(5), asOf: at(5) },
    {
      ...paid,
      sourceRank: SOURCE_RANKS.session,
      userId: USER,
      createdAt: at(0),
      asOf: at(6),
      customerId: null,
    },
    ...refunds.map((_, nth) => ({
      ...paid,
      sourceRank: SOURCE_RANKS.charge,
      createdAt: at(4),
      asOf: at(7 + nth),
      refundedAsOf: at(7 + nth),
      refundedAmountCents: refunds.slice(0, nth + 1).reduce((sum, amount) => sum + amount, 0),
    })),
  ];
}

/** Mimics prepare and apply. @param truth Stripe's responses for the PaymentIntent and the charge */
function tell(
  stored: Row | undefined,
  fact: PaymentFact,
  truth: { intent: PaymentFact; charge: PaymentFact },
): Row {
  const seenRevision = stored?.revision;
  const isRefundAsked = decideRefund(stored, fact) === 'refetch';
  const observed = isRefundAsked
    ? { ...truth.charge, seenRevision }
    : decidePayment(stored, fact) === 'refetch'
      ? { ...truth.intent, seenRevision }
      : fact;
  const after = mergePayment(stored, observed, observed.subscriptionId ? SUBSCRIPTION : null, CUSTOMERS);
  return { ...after, revision: (stored?.revision ?? 0) + 1 };
}

it('ends in one state for any order and repetition of observations', () => {
  const life = fc.record({
    gaps: fc.array(fc.constantFrom(0, 0, 1, 60), { minLength: 11, maxLength: 11 }),
    isPaid: fc.boolean(),
    refunds: fc.constantFrom([], [400], [400, 600], [1_000], [400, -400], [1_000, -600], [400, -400, 400]),
    again: fc.nat({ max: 10 }),
    order: fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
  });
  fc.assert(
    fc.property(life, ({ gaps, isPaid, refunds, again, order }) => {
      const times = gaps.map((_, nth) => gaps.slice(0, nth + 1).reduce((sum, gap) => sum + gap, 1_000));
      const facts = factsOf(times, isPaid, refunds);
      const last = facts.filter(({ sourceRank }) => sourceRank === SOURCE_RANKS.intent).at(-1);
      if (!last) throw new Error('There is no PaymentIntent.');
      const now = new Date(10_000 * SECOND);
      const truth = {
        intent: { ...last, asOf: now },
        charge: { ...(facts.at(-1) ?? last), asOf: now, refundedAsOf: now },
      };
      const observed = [...facts, ...facts.slice(0, again)]
        .map((fact, nth) => ({ fact, rank: order[nth] ?? 0 }))
        .sort((one, other) => one.rank - other.rank);
      const row = observed.reduce<Row | undefined>(
        (stored, { fact }) => tell(stored, fact, truth),
        undefined,
      );
      const refunded = isPaid ? refunds.reduce((sum, amount) => sum + amount, 0) : 0;
      const paid = refunded === 0 ? 'succeeded' : refunded < 1_000 ? 'partially_refunded' : 'refunded';
      expect(row).toMatchObject({
        status: isPaid ? paid : 'canceled',
        amountCents: 1_000,
        refundedAmountCents: refunded,
        createdAt: new Date((times[0] ?? 0) * SECOND),
        customerId: 'cus_a',
        description: 'A thing',
        subscriptionId: isPaid ? SUBSCRIPTION : null,
        userId: isPaid ? USER : CUSTOMERS.userId,
      });
    }),
    { numRuns: 3_000 },
  );
});

it('takes its own user, or else the user of its subscription or customer', () => {
  const [fact] = factsOf([1, 2], true, []);
  if (!fact) throw new Error('Nothing is told.');
  const observed = (user: Pick<PaymentState, 'userId' | 'userRank'>, stored?: PaymentState) =>
    mergePayment(stored && { ...stored, revision: 1 }, fact, null, user);
  const subscriptions = { userId: 'somebody' as EndUserId, userRank: USER_RANKS.subscription };
  expect(observed(NOBODY)).toMatchObject(NOBODY);
  expect(observed(CUSTOMERS, observed(NOBODY))).toMatchObject(CUSTOMERS);
  expect(observed(subscriptions, observed(CUSTOMERS))).toMatchObject(subscriptions);
  expect(observed(CUSTOMERS, observed(subscriptions))).toMatchObject(subscriptions);
  expect(
    mergePayment({ ...observed(subscriptions), revision: 1 }, { ...fact, userId: USER }, null, subscriptions),
  ).toMatchObject({
    userId: USER,
  });
});
