import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { PeriodicTask } from '../../../database/periodic-task.js';
import { PeriodicTasks } from '../../../database/periodic-tasks.js';
import type { SignatureCause } from '../../payments-events.js';
import type { ProjectMode } from '../../stripe/stripe-mode.js';
import type { WebhookSecret } from '../../stripe-config/stripe-config.service.js';
import { reformatted } from '../events/event-reader.js';
import { WebhookSecrets } from '../events/webhook-secrets.js';
import { signatureProblem } from '../refusals/stripe-signature.js';
import { type SecretUses, type SignatureFailures, signaturesFailed } from './connection-changes.js';
import { ConnectionChecksRepository } from './connection-checks.repository.js';

/** A request to a webhook URL. */
export interface Delivery extends ProjectMode {
  /** The `Stripe-Signature` header. */
  readonly signature: string | undefined;
  readonly bytes: Buffer;
  /** Time of arrival, in milliseconds since 1970. */
  readonly at: number;
}

const INTERVAL_MS = 2_000;
const MAX_MODES = 10_000;
const MAX_BYTES = 16 * 1024 * 1024;

interface Refused {
  readonly tenant: ProjectMode;
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/**
 * Counts refused signatures and uses of former webhook secrets in memory, and writes them later: a flood of
 * deliveries costs one row.
 */
@Injectable()
export class DeliveryObserver implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #refused = new Map<string, Refused>();
  #uses = new Map<string, { tenant: ProjectMode; uses: SecretUses }>();
  /** One delivery of each mode, to find out why signatures fail. */
  readonly #samples = new LRUCache<string, Delivery>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ bytes }) => bytes.length + 1,
  });
  readonly #task: PeriodicTask;
  #writing = Promise.resolve();

  constructor(
    private readonly checks: ConnectionChecksRepository,
    private readonly secrets: WebhookSecrets,
    tasks: PeriodicTasks,
  ) {
    this.#task = tasks.add({
      name: 'delivery_observations',
      intervalMs: INTERVAL_MS,
      onServersOnly: true,
      work: () => this.write(),
      failure: 'Refused signatures could not be counted; this is tried again in two seconds.',
    });
  }

  onApplicationBootstrap(): void {
    this.#task.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.write().catch(() => undefined);
  }

  /** A delivery whose signature was made with no secret of this mode. */
  refused(delivery: Delivery): void {
    const { projectId, mode } = delivery;
    const key = `${projectId} ${mode}`;
    const known = this.#refused.get(key);
    if (!known && this.#refused.size >= MAX_MODES) return;
    const at = new Date(delivery.at);
    const { count = 0, firstAt = at } = known ?? {};
    this.#refused.set(key, { tenant: { projectId, mode }, count: count + 1, firstAt, lastAt: at });
    if (!this.#samples.has(key)) this.#samples.set(key, delivery);
  }

  /** A delivery during an overlap. @param until end of the former secret that signed it; `null` for the current one */
  verified({ projectId, mode, at }: Delivery, until: Date | null): void {
    const key = `${projectId} ${mode}`;
    const { uses = {} } = this.#uses.get(key) ?? {};
    if (this.#uses.size >= MAX_MODES) return;
    const time = new Date(at);
    const use = until ? { formerSecretUsedAt: time, formerSecretUntil: until } : { secretUsedAt: time };
    this.#uses.set(key, { tenant: { projectId, mode }, uses: { ...uses, ...use } });
  }

  /** Writes what was counted, after a write that is under way. */
  write(): Promise<void> {
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const [refused, uses] = [this.#refused, this.#uses];
    this.#refused = new Map();
    this.#uses = new Map();
    for (const [key, { tenant, ...failures }] of refused) {
      const sample = this.#samples.get(key);
      this.#samples.delete(key);
      const cause = (sample && (await this.#causeOf(sample))) ?? 'wrong_secret';
      await this.#record(tenant, { ...failures, cause });
    }
    for (const { tenant, uses: row } of uses.values())
      await this.checks.change(tenant, new Date(), () => ({ row }));
  }

  #record(tenant: ProjectMode, failures: SignatureFailures): Promise<void> {
    return this.checks.change(tenant, new Date(), signaturesFailed(failures));
  }

  async #causeOf(delivery: Delivery): Promise<SignatureCause | undefined> {
    const { projectId, mode, bytes } = delivery;
    const find = (of: ProjectMode['mode']) => this.secrets.find({ projectId, mode: of }).catch(() => []);
    const own = await find(mode);
    const other = await find(mode === 'test' ? 'live' : 'test');
    if (isSignedWith(other, delivery, bytes)) return 'other_mode';
    const bodies = reformatted(bytes);
    // Stripe sends nothing but JSON.
    if (!bodies || bodies.some((body) => isSignedWith(own, delivery, body))) return 'changed_body';
    return undefined;
  }
}

function isSignedWith(secrets: readonly WebhookSecret[], { signature, at }: Delivery, body: Buffer): boolean {
  const values = secrets.map(({ value }) => value);
  const problem = signatureProblem(signature, body, values, at);
  return values.length > 0 && problem !== 'wrong_signature' && problem !== 'malformed_signature';
}
