import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { DomainError } from '../../../common/errors.js';
import type { PeriodicTask } from '../../../database/periodic-task.js';
import { isDatabaseUnavailable } from '../../../database/database-errors.js';
import { PeriodicTasks } from '../../../database/periodic-tasks.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import type { Delivery } from '../monitor/delivery-observer.js';
import { DeliveryVerifier } from './delivery-verifier.js';
import { EventPayloads } from './event-payloads.js';
import type { RefusalReason } from '../refusals/webhook-receiver.errors.js';
import type { RefusalCount } from '../refusals/webhook-refusal.entity.js';
import { WebhookRefusalsRepository } from '../refusals/webhook-refusals.repository.js';
import type { ReceivedEvent, Verdict } from './event-reader.js';
import { WebhookEventsRepository } from './webhook-events.repository.js';

/** Limits of the notes in memory. The bytes count once for events and once for unverified deliveries. */
const MAX_COUNTERS = 10_000;
const MAX_DELIVERIES = 1_000;
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Notes that are written to the database later. Refused deliveries are counted in memory, so that a stranger
 * can't cause writes. Failures that happened while the database was unreachable wait until it is back.
 * Deliveries that arrived then are verified first.
 */
@Injectable()
export class DeliveryNotes implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #refusals = new Map<string, RefusalCount>();
  readonly #failures = new LRUCache<string, { event: ReceivedEvent; verdict: Verdict }>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ event }) => event.json.length + 1,
  });
  readonly #unverified = new LRUCache<Delivery, Verdict>({
    max: MAX_DELIVERIES,
    maxSize: MAX_BYTES,
    sizeCalculation: (_, { bytes }) => bytes.length + 1,
  });
  readonly #task: PeriodicTask;
  #writing = Promise.resolve(true);

  constructor(
    private readonly refusals: WebhookRefusalsRepository,
    private readonly events: WebhookEventsRepository,
    private readonly payloads: EventPayloads,
    private readonly verifier: DeliveryVerifier,
    tasks: PeriodicTasks,
  ) {
    this.#task = tasks.add({ name: 'delivery_notes', intervalMs: 2_000, work: () => this.write() });
  }

  onApplicationBootstrap(): void {
    this.#task.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.write();
  }

  refused({ projectId, mode }: ProjectMode, reason: RefusalReason): void {
    const now = new Date();
    this.#count({ projectId, mode, reason, count: 1, firstAt: now, lastAt: now });
  }

  failed(event: ReceivedEvent, verdict: Verdict): void {
    this.#failures.set(`${event.projectId} ${event.mode} ${event.id}`, { event, verdict });
  }

  /** @param error the reason why the delivery could not be verified */
  unverified(delivery: Delivery, { message }: DomainError): void {
    this.#unverified.set(delivery, { outcome: 'failed', reason: message });
  }

  /**
   * Writes all notes, after a write that is under way.
   * @returns false when the database did not take all of them
   */
  write(): Promise<boolean> {
    this.#writing = this.#writing.then(async () => {
      await this.#verify();
      await this.#writeRefusals();
      await this.#writeFailures();
      return this.#refusals.size + this.#failures.size + this.#unverified.size === 0;
    });
    return this.#writing;
  }

  async #verify(): Promise<void> {
    for (const [delivery, verdict] of this.#unverified.entries()) {
      try {
        const verified = await this.verifier.verify(delivery);
        if (typeof verified === 'string') this.refused(delivery, verified);
        else this.failed(verified, verdict);
      } catch (error) {
        if (isDatabaseUnavailable(error)) return;
      }
      this.#unverified.delete(delivery);
    }
  }

  async #writeRefusals(): Promise<void> {
    if (this.#refusals.size === 0) return;
    const counts = [...this.#refusals.values()];
    this.#refusals = new Map();
    await this.refusals.add(counts).catch(() => counts.forEach((each) => this.#count(each)));
  }

  async #writeFailures(): Promise<void> {
    for (const [key, { event, verdict }] of this.#failures.entries()) {
      try {
        await this.payloads.withCurrentKey(event, (payload) => this.events.fail(event, verdict, payload));
      } catch {
        return;
      }
      this.#failures.delete(key);
    }
  }

  #count(added: RefusalCount): void {
    const key = `${added.projectId} ${added.mode} ${added.reason}`;
    const known = this.#refusals.get(key);
    if (!known && this.#refusals.size >= MAX_COUNTERS) return;
    const { count = 0, firstAt = added.firstAt, lastAt = added.lastAt } = known ?? {};
    this.#refusals.set(key, {
      ...added,
      count: count + added.count,
      firstAt: firstAt < added.firstAt ? firstAt : added.firstAt,
      lastAt: lastAt > added.lastAt ? lastAt : added.lastAt,
    });
  }
}
