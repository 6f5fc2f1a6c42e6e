import type Stripe from 'stripe';
import { makeWellFormed } from '../../common/typed-text.js';
import type { StripeCallOutcome } from '../payments-events.js';

type HttpClient = NonNullable<Stripe.StripeConfig['httpClient']>;

/** Called for each answer of Stripe. @param sentAt time of the request, from `performance.now()` */
export type AnswerListener = (status: number, sentAt: number) => void;

/**
 * Rejects JSON that isn't Stripe's: the SDK accepts any JSON without an `error`, even a proxy's 503 or a
 * redirect. Also makes the texts of answers well-formed, as for events.
 */
export class StrictHttpClient implements HttpClient {
  constructor(
    private readonly http: HttpClient,
    private readonly onAnswer: AnswerListener,
    private readonly onOutcome: (outcome: StripeCallOutcome) => void,
  ) {}

  getClientName(): string {
    return this.http.getClientName();
  }

  async makeRequest(
    ...request: Parameters<HttpClient['makeRequest']>
  ): ReturnType<HttpClient['makeRequest']> {
    const sentAt = performance.now();
    const response = await this.http.makeRequest(...request).catch((error: unknown) => {
      this.onOutcome('unreachable');
      throw error;
    });
    const readJson = response.toJSON.bind(response);
    const status = response.getStatusCode();
    const headers = response.getHeaders();
    // Stops the SDK's retries, because Stripe replays the stored failure.
    if (status >= 500 && headers['idempotent-replayed'] === 'true')
      response.getHeaders = () => ({ ...headers, 'stripe-should-retry': 'false' });
    response.toJSON = async () => {
      const body = makeWellFormed(await readJson());
      const isSuccess = status >= 200 && status < 300;
      const isStripes = isObject(body) && (isSuccess || isObject(body['error']));
      this.onOutcome(isStripes ? outcomeOf(status) : 'failed');
      if (!isStripes) throw new Error('This is not an answer of Stripe.');
      this.onAnswer(status, sentAt);
      return body;
    };
    return response;
  }
}

export function outcomeOf(status: number): StripeCallOutcome {
  if (status < 300) return 'succeeded';
  if (status === 429) return 'rate_limited';
  return status < 500 ? 'refused' : 'failed';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
