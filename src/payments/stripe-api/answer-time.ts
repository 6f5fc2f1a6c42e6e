import type Stripe from 'stripe';

/** When what an answer says was so, by Stripe's clock, in whole seconds: not before `from`, and not after `until`. */
export interface AnswerTime {
  readonly from: Date;
  readonly until: Date;
}

interface Timed<T> {
  readonly answer: Stripe.Response<T>;
  /** `undefined` where the answer has no `Date`. */
  readonly time: AnswerTime | undefined;
}

/** Makes a call. What it answers was so after the call began, however long the answer was on its way, and before the `Date` that came with it. */
export async function timed<T>(call: () => Promise<Stripe.Response<T>>): Promise<Timed<T>> {
  const started = performance.now();
  const answer = await call();
  const until = new Date(answer.lastResponse.headers['date'] ?? NaN);
  if (Number.isNaN(until.getTime())) return { answer, time: undefined };
  const from = until.getTime() - (performance.now() - started);
  return { answer, time: { from: new Date(Math.floor(from / 1_000) * 1_000), until } };
}
