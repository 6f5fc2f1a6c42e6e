import { Injectable } from '@nestjs/common';
import { FixedWindowStorage } from '../../auth/rate-limit.js';
import type { ProjectId } from '../../common/ids.js';
import type { Settings } from '../../config/settings.js';
import { GatewayError } from './gateway.errors.js';

const SECOND_MS = 1_000;
const MIB = 1024 * 1024;

/** Limits of requests, in this process. A key has half of its project's, so that one key can't use up all. */
@Injectable()
export class GatewayLimits {
  /** Milliseconds in which the client sends no byte of a body, or reads none of an answer. */
  idleMs = 30_000;
  /** Bytes of a body: parameters, and uploads of files. */
  readonly bodyBytes = 8 * MIB;
  readonly uploadBytes = 512 * MIB;
  readonly #rates = new FixedWindowStorage();
  readonly #running = new Map<string, number>();

  /**
   * Counts a request.
   * @returns what ends it @throws GatewayError `gateway_rate_limit`
   */
  enter(
    { id, projectId }: { id: string; projectId: ProjectId },
    { requestsPerSecond, requestsAtOnce }: Settings['gateway'],
  ): () => void {
    const shares = [
      { counted: `key ${id}`, name: 'This gateway key', share: 0.5 },
      { counted: `project ${projectId}`, name: 'This project', share: 1 },
    ];
    for (const { counted, name, share } of shares) {
      const most = Math.ceil(requestsAtOnce * share);
      if (requestsAtOnce > 0 && (this.#running.get(counted) ?? 0) >= most)
        throw new GatewayError(
          'gateway_rate_limit',
          `${name} has ${most} unanswered requests, which is the most: wait for some of them.`,
        );
    }
    for (const { counted, name, share } of shares) {
      const most = Math.ceil(requestsPerSecond * share);
      if (requestsPerSecond > 0 && this.#rates.count(counted, SECOND_MS, most).isBlocked)
        throw new GatewayError(
          'gateway_rate_limit',
          `${name} sent more than ${most} requests within a second: slow down.`,
        );
    }
    for (const { counted } of shares) this.#running.set(counted, (this.#running.get(counted) ?? 0) + 1);
    return () => {
      for (const { counted } of shares) {
        const left = (this.#running.get(counted) ?? 1) - 1;
        if (left === 0) this.#running.delete(counted);
        else this.#running.set(counted, left);
      }
    };
  }
}
