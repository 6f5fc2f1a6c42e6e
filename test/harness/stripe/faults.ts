import type { ServerResponse } from 'node:http';
import type { Answer } from './idempotency.js';
import { Refusal } from './refusals.js';

/** A request that waits for its answer. */
export interface Exchange {
  readonly response: ServerResponse;
  /** Executes the request with its effects, after waiting for `hold`. */
  readonly perform: (hold?: Promise<unknown>) => Promise<Answer>;
  readonly send: (answer: Answer) => void;
}

/** A failure in place of the usual answer. */
export type Fault = (exchange: Exchange) => Promise<void> | void;

/** Returns this answer without executing the request. */
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

/** A 5xx of Stripe before the request is executed. */
export function down(status: 500 | 502 | 503 = 500, { retry }: { retry?: boolean } = {}): Fault {
  return answers(
    status,
    { error: { message: 'An unknown error occurred', type: 'api_error' } },
    advice(retry),
  );
}

/** A 5xx of Stripe during the request. Stripe replays the failure for the idempotency key. */
export const broken: Fault = async ({ perform, send }) => {
  const failure = Promise.reject(new Refusal(500, 'An unknown error occurred', { type: 'api_error' }));
  // A repeated request is not delayed.
  failure.catch(() => undefined);
  send(await perform(failure));
};

function advice(retry?: boolean): Record<string, string> {
  return retry === undefined ? {} : { 'stripe-should-retry': `${retry}` };
}

/** Delays the answer by milliseconds, or until a promise settles. */
export function slow(until: number | Promise<unknown>): Fault {
  return async ({ perform, send }) => {
    const hold = typeof until === 'number' ? new Promise((resolve) => setTimeout(resolve, until)) : until;
    send(await perform(hold));
  };
}

/** Never answers, and keeps the connection open. */
export const silent: Fault = () => undefined;

/** Resets the connection without executing the request. */
export const connectionReset: Fault = ({ response }) => reset(response);

/** Executes the request, and resets the connection before the answer. */
export const answerLost: Fault = async ({ response, perform }) => {
  await perform();
  reset(response);
};

/** Executes the request, and resets the connection within the body of the answer. */
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

/** A redirect, as from a proxy in between. */
export const notJson: Fault = answers(200, '<html><body>Welcome to this network</body></html>', {
  'content-type': 'text/html',
});
