import type Stripe from 'stripe';
import { type AnswerTime, timed } from '../../stripe/stripe-connector.js';
import { EVENT_BATCHES } from '../handled-events.js';
import { asStripeFailure, stripeErrorOf, stripeUnavailable } from '../../stripe/stripe.errors.js';
import type { Pass } from './reconciliations.repository.js';

export const PAGE_SIZE = 100;

export interface Page<T> {
  /** The newest first. */
  readonly data: T[];
  readonly hasMore: boolean;
  readonly time: AnswerTime;
}

/** Time ranges overlap by this much, because Stripe's lists may be stale. */
export const OVERLAP_MS = 60 * 60 * 1000;

/** Lists the events of the pass's batch of types. Stripe keeps events for 30 days. */
export function listEvents(
  stripe: Stripe,
  { since, startedAt, phase, batch, cursor }: Pass,
): Promise<Page<Stripe.Event>> {
  const isLater = phase === 'later events';
  const created = isLater
    ? { gte: toSeconds(new Date(startedAt.getTime() - OVERLAP_MS)) }
    : { gte: toSeconds(since), lte: toSeconds(startedAt) };
  return readPage(() =>
    stripe.events.list({ ...pageAfter(cursor), created, types: [...(EVENT_BATCHES[batch] ?? [])] }),
  );
}

export function listSubscriptions(stripe: Stripe, { cursor }: Pass): Promise<Page<Stripe.Subscription>> {
  return readPage(() => stripe.subscriptions.list({ ...pageAfter(cursor), status: 'all' }));
}

interface Listed {
  readonly id: string;
  readonly object: string;
}

/** What a backfill reads, in this order: an invoice names its subscription, and a charge has the refund of a payment. */
export const PAST_LISTS: readonly ((stripe: Stripe, pass: Pass) => Promise<Page<Listed>>)[] = [
  listSubscriptions,
  (stripe, { cursor }) =>
    readPage(() => stripe.invoices.list({ ...pageAfter(cursor), expand: ['data.payments'] })),
  (stripe, { cursor }) => readPage(() => stripe.paymentIntents.list(pageAfter(cursor))),
  (stripe, { cursor }) => readPage(() => stripe.charges.list(pageAfter(cursor))),
];

interface Found {
  readonly subscription: Stripe.Subscription;
  readonly time: AnswerTime;
}

/**
 * @param listed time of the list without it, used if the answer has no time.
 * @returns `undefined` if Stripe
 * doesn't have it
 */
export async function findSubscription(
  stripe: Stripe,
  id: string,
  listed: AnswerTime,
): Promise<Found | undefined> {
  try {
    const { answer, time = listed } = await timed(() => stripe.subscriptions.retrieve(id));
    return { subscription: answer, time };
  } catch (error) {
    if (stripeErrorOf(error)?.statusCode === 404) return undefined;
    throw asStripeFailure(error);
  }
}

/** Whether Stripe no longer has the object that the cursor names. */
export function isCursorGone(error: unknown): boolean {
  return error instanceof Error && stripeErrorOf(error.cause)?.param === 'starting_after';
}

async function readPage<T>(call: () => Promise<Stripe.Response<Stripe.ApiList<T>>>): Promise<Page<T>> {
  const { answer, time } = await timed(call).catch((error: unknown) => {
    throw asStripeFailure(error);
  });
  if (!Array.isArray(answer.data) || !time)
    throw stripeUnavailable('Stripe gave an answer that makes no sense; try again shortly.', undefined);
  return { data: answer.data, hasMore: answer.has_more, time };
}

function pageAfter(cursor: string | null): { limit: number; starting_after?: string } {
  return { limit: PAGE_SIZE, ...(cursor !== null && { starting_after: cursor }) };
}

function toSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}
