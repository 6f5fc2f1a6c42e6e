import type { ServerResponse } from 'node:http';
import type { Answer } from './idempotency.js';
import { Refusal } from './refusals.js';

/** A request that waits for its answer. */
export interface Exchange {
  readonly response: ServerResponse;
  /** Does what was asked, with its effects; it waits for `hold` once it has begun. */
  readonly perform: (hold?: Promise<unknown>) => Promise<Answer>;
  readonly send: (answer: Answer) => void;
}

/** What goes wrong instead of the plain answer. */
export type Fault = (exchange: Exchange) => Promise<void> | void;

/** Nothing is done; this is answered. */
export function answers(status: number, body: object | string, headers: Record<string, string> = {}): Fault {
  const text = typeof body === 'string' ? body : JSON.stringify(body, null, 2);
  return ({ send }) => send({ status, body: text, headers });
}

/** `retry` is what Stripe advises in `stripe-should-retry`; without the header the SDK doesn't try again. */
export function rateLimited({ retry, after }: { retry?: boolean; after?: number } = {}): Fault {
  const error = {
    code: 'rate_limit',
    doc_url: 'https://stripe.com/docs/error-codes/rate-limit',
    message:
      'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.',
    type: 'invalid_request_error',
  };
  return answers(
    429,
    { error },
    {
      'stripe-rate-limited-reason': 'global-rate',
      ...advice(retry),
      ...(after !== undefined && { 'retry-after': `${after}` }),
    },
  );
}

/** Stripe has a problem of its own. */
export function down(status: 500 | 502 | 503 = 500, { retry }: { retry?: boolean } = {}): Fault {
  return answers(
    status,
    { error: { message: 'An unknown error occurred', type: 'api_error' } },
    advice(retry),
  );
}

/** Stripe has a problem after it has begun: the failure is kept for the request's idempotency key. */
export const broken: Fault = async ({ perform, send }) => {
  const failure = Promise.reject(new Refusal(500, 'An unknown error occurred', { type: 'api_error' }));
  // Whoever repeats a request doesn't wait for it.
  failure.catch(() => undefined);
  send(await perform(failure));
};

function advice(retry?: boolean): Record<string, string> {
  return retry === undefined ? {} : { 'stripe-should-retry': `${retry}` };
}

/** The right answer, late: after so many milliseconds, or when something else has happened. */
export function slow(until: number | Promise<unknown>): Fault {
  return async ({ perform, send }) => {
    const hold = typeof until === 'number' ? new Promise((resolve) => setTimeout(resolve, until)) : until;
    send(await perform(hold));
  };
}

/** The connection stays open and nothing comes. */
export const silent: Fault = () => undefined;

/** The connection breaks and nothing was done. */
export const connectionReset: Fault = ({ response }) => reset(response);

/** It was done, but the connection breaks before the answer. */
export const answerLost: Fault = async ({ response, perform }) => {
  await perform();
  reset(response);
};

/** It was done, but the connection breaks in the middle of the answer's body. */
export const bodyCut: Fault = async ({ response, perform }) => {
  const { status, body } = await perform();
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.write(body.slice(0, body.length / 2), () => reset(response));
};

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

export function redirect(location: string): Fault {
  return answers(302, '', { location });
}

/** As from a proxy on the way. */
export const notJson: Fault = answers(200, '<html><body>Welcome to this network</body></html>', {
  'content-type': 'text/html',
});
