import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type pg from 'pg';
import type { Secret } from '../../common/secret.js';
import { type Database, sql } from '../database.js';
import { DatabaseNotifications } from '../notifications.js';
import { isTransactionPooled, newClient, poolerAdvice } from './pooling.js';

const RECONNECT_AFTER_MS = 250;
/** How soon to check again after a transaction-mode pooler was found. */
const RECHECK_POOLER_MS = 30_000;

const PROBE_EVERY_MS = 500;
/** While no cache is used. */
const IDLE_PROBE_EVERY_MS = 5_000;
/** A probe older than this doesn't prove that messages arrive. */
const MAX_PROBE_AGE_MS = 1_500;

/** How long a message waits to be sent in a batch. */
const BATCH_DELAY_MS = 10;
const MAX_BATCH = 1_000;
/**
 * $1 JSON array of channel and payload pairs. Skips the wait for the disk (for this statement only): a crash that loses a message also
 * empties the caches.
 */
const SEND = sql<never>(
  `SELECT set_config('synchronous_commit', 'off', true), pg_notify(message ->> 0, message ->> 1) FROM json_array_elements($1::json) AS message`,
  'send_notifications',
);

/** Ends a connection that is open but delivers nothing. */
class NothingArrives extends Error {}
class PoolerInBetween extends Error {}

/**
 * Listens on its own connection and sends over the pool. Twice a second a probe is sent over the pool. When it
 * arrives on the listening connection, all messages that were committed before it have arrived too.
 */
export class PostgresNotifications extends DatabaseNotifications {
  readonly #probes = `tillkeeper_probe_${randomUUID()}`;
  readonly #receivers = new Map<string, (payload: string) => void>();
  readonly #disconnectListeners: (() => void)[] = [];
  readonly #unsent: [channel: string, payload: string][] = [];
  #sending: Promise<void> | undefined;
  readonly #logger = new Logger('Database');
  #isListening = false;
  #isArriving = false;
  /** The last logged problem, until it is solved. */
  #problem = '';
  #endConnection: (reason: Error) => void = () => undefined;
  /** Times at which the last probe and the newest arrived probe were sent. */
  #probedAt = -Infinity;
  #arrivedProbeAt = -Infinity;
  /** Time since which an accepted probe hasn't arrived. */
  #missingSince: number | undefined;
  /** Whether a cache was used since the last probe. */
  #wasCacheUsed = false;
  #ticking: NodeJS.Timeout | undefined;
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param url of the listening connection. @param variable the setting with this URL */
  constructor(
    private readonly url: Secret,
    private readonly variable: 'DATABASE_URL' | 'DATABASE_DIRECT_URL',
    private readonly database: Database,
  ) {
    super();
    this.#receivers.set(this.#probes, (sentAt) => this.#onProbe(Number(sentAt)));
  }

  get areArriving(): boolean {
    return this.#isArriving;
  }

  isCurrent(): boolean {
    this.#wasCacheUsed = true;
    const now = performance.now();
    if (now - this.#probedAt >= PROBE_EVERY_MS) this.#probe();
    return now - this.#arrivedProbeAt < MAX_PROBE_AGE_MS;
  }

  send(channel: string, payload: string): void {
    this.#unsent.push([channel, payload]);
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
  }

  subscribe(channel: string, receive: (payload: string) => void): void {
    this.#receivers.set(channel, receive);
  }

  onDisconnect(listener: () => void): void {
    this.#disconnectListeners.push(listener);
  }

  /** Connects in the background, and reconnects after a loss. */
  start(): void {
    this.#running = this.#stayConnected();
    this.#ticking = setInterval(() => this.#tick(), PROBE_EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    clearInterval(this.#ticking);
    await this.#sending;
    await this.#running;
  }

  /** Sends the queue in batches. Repeats a failed batch until `stop`. */
  async #sendAll(): Promise<void> {
    await sleep(BATCH_DELAY_MS);
    while (this.#unsent.length > 0) {
      const batch = this.#unsent.slice(0, MAX_BATCH);
      try {
        await this.database.query(SEND, [JSON.stringify(batch)]);
        this.#unsent.splice(0, batch.length);
      } catch {
        if (this.#stopped.signal.aborted) return;
        await this.#pause(RECONNECT_AFTER_MS);
      }
    }
  }

  #tick(): void {
    const now = performance.now();
    if (this.#wasCacheUsed || now - this.#probedAt >= IDLE_PROBE_EVERY_MS) this.#probe();
    if (this.#missingSince !== undefined && now - this.#missingSince > MAX_PROBE_AGE_MS)
      this.#endConnection(new NothingArrives());
  }

  #probe(): void {
    if (!this.#isListening) return;
    const sentAt = performance.now();
    this.#probedAt = sentAt;
    this.#wasCacheUsed = false;
    this.database.query(SEND, [JSON.stringify([[this.#probes, String(sentAt)]])]).then(
      () => {
        if (this.#isListening && this.#arrivedProbeAt < sentAt) this.#missingSince ??= performance.now();
      },
      () => (this.#isArriving = false),
    );
  }

  #onProbe(sentAt: number): void {
    this.#arrivedProbeAt = Math.max(this.#arrivedProbeAt, sentAt);
    this.#missingSince = undefined;
    this.#isArriving = true;
    if (this.#problem !== '') this.#logger.log('The connection for change notifications is back.');
    this.#problem = '';
  }

  #reset(): void {
    this.#isListening = false;
    this.#isArriving = false;
    this.#arrivedProbeAt = -Infinity;
    this.#missingSince = undefined;
    for (const listener of this.#disconnectListeners) listener();
  }

  /** Reconnects after each failure until `stop`. */
  async #stayConnected(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      let retryAfter = RECONNECT_AFTER_MS;
      try {
        await this.#listen();
      } catch (error) {
        if (error instanceof PoolerInBetween) retryAfter = RECHECK_POOLER_MS;
        this.#warn(this.#explain(error));
      }
      this.#reset();
      await this.#pause(retryAfter);
    }
  }

  #warn(problem: string): void {
    if (problem !== this.#problem) this.#logger.warn(problem);
    this.#problem = problem;
  }

  #explain(error: unknown): string {
    if (error instanceof PoolerInBetween) return poolerAdvice(this.variable);
    return error instanceof NothingArrives
      ? `The connection for change notifications is lost: what is sent through DATABASE_URL does not arrive through ${this.variable}. Caches are not used until it does.`
      : 'The connection for change notifications is lost; caches are not used until it is back.';
  }

  /** Resolves at `stop`, rejects when the connection is lost. */
  async #listen(): Promise<void> {
    const client = this.#newClient();
    const lost = new Promise<never>((_, reject) => {
      this.#endConnection = reject;
      client.once('error', reject);
      client.once('end', () => reject(new Error('The connection ended.')));
    });
    lost.catch(() => undefined);
    try {
      await client.connect();
      if (await isTransactionPooled(client, this.#newClient())) throw new PoolerInBetween();
      client.on('notification', ({ channel, payload }) => this.#receivers.get(channel)?.(payload ?? ''));
      for (const channel of this.#receivers.keys())
        await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
      // Caches are emptied before they are used again, since messages were missed.
      this.#reset();
      this.#isListening = true;
      this.#probe();
      await Promise.race([lost, this.#untilStopped()]);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  #newClient(): pg.Client {
    return newClient(this.url, 'tillkeeper notifications');
  }

  #untilStopped(): Promise<void> {
    const { signal } = this.#stopped;
    return new Promise((resolve) =>
      signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
    );
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}
