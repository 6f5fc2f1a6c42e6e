import { inProgress, otherEndpoint, otherParameters } from './refusals.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A refusal before execution: the key can be used again. */
const NOT_KEPT = [400, 401, 403, 409, 429];

/**
 * The idempotency keys of one account in one mode, each with the request that it was first used for, and its
 * answer once there is one.
 */
export class IdempotencyKeys {
  private readonly used = new Map<string, { endpoint: string; parameters: string; answer?: Answer }>();

  async once(
    key: string,
    endpoint: string,
    parameters: string,
    perform: () => Promise<Answer>,
  ): Promise<Answer> {
    const earlier = this.used.get(key);
    if (!earlier) return this.perform(key, endpoint, parameters, perform);
    if (earlier.endpoint !== endpoint) throw otherEndpoint(key, endpoint, earlier.endpoint);
    if (earlier.parameters !== parameters) throw otherParameters(key);
    if (!earlier.answer) throw inProgress(key);
    return { ...earlier.answer, headers: { ...earlier.answer.headers, 'idempotent-replayed': 'true' } };
  }

  private async perform(
    key: string,
    endpoint: string,
    parameters: string,
    perform: () => Promise<Answer>,
  ): Promise<Answer> {
    this.used.set(key, { endpoint, parameters });
    const answer = await perform();
    if (NOT_KEPT.includes(answer.status)) this.used.delete(key);
    else this.used.set(key, { endpoint, parameters, answer });
    return answer;
  }
}
