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
  /** By the id of a key or project. */
  readonly #running = new Map<string, number>();

  /**
   * Counts a request.
   * @returns what ends it @throws GatewayError `gateway_rate_limit`
   */
  enter(
    { id, projectId }: { id: string; projectId: ProjectId },
    { requestsPerSecond, requestsAtOnce }: Settings['gateway'],
  ): () => void {
    this.#checkRunning(id, 'This gateway key', requestsAtOnce / 2);
    this.#checkRunning(projectId, 'This project', requestsAtOnce);
    this.#checkRate(id, 'This gateway key', requestsPerSecond / 2);
    this.#checkRate(projectId, 'This project', requestsPerSecond);
    this.#add(id, 1);
    this.#add(projectId, 1);
    return () => {
      this.#add(id, -1);
      this.#add(projectId, -1);
    };
  }

  #checkRunning(id: string, name: string, share: number): void {
    const most = Math.ceil(share);
    if (most > 0 && (this.#running.get(id) ?? 0) >= most)
      throw new GatewayError(
        'gateway_rate_limit',
        `${name} has ${most} unanswered requests, which is the most: wait for some of them.`,
      );
  }

  #checkRate(id: string, name: string, share: number): void {
    const most = Math.ceil(share);
    if (most > 0 && this.#rates.count(id, SECOND_MS, most).isBlocked)
      throw new GatewayError(
        'gateway_rate_limit',
        `${name} sent more than ${most} requests within a second: slow down.`,
      );
  }

  #add(id: string, requests: 1 | -1): void {
    const running = (this.#running.get(id) ?? 0) + requests;
    if (running === 0) this.#running.delete(id);
    else this.#running.set(id, running);
  }
}
