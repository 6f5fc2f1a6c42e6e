import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import type { Secret } from '../common/secret.js';
import { DatabaseNotifications } from './database-notifications.js';

const RECONNECT_AFTER_MS = 250;
const CONNECT_TIMEOUT_MS = 2_000;
/** A connection that died without a word is noticed by this question. */
const PING_EVERY_MS = 2_000;

/** How long a message waits for others to go with it. */
const GATHER_MS = 10;
const MAX_SENT_TOGETHER = 1_000;
/** $1 channels, $2 payloads. */
const SEND = 'SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS message (channel, payload)';

/** LISTEN on a connection of its own, outside the pool: a pooled connection's subscriptions would come and go. */
export class PostgresNotifications extends DatabaseNotifications {
  readonly #receivers = new Map<string, (payload: string) => void>();
  readonly #gapListeners: (() => void)[] = [];
  readonly #unsent: [channel: string, payload: string][] = [];
  #sending: Promise<void> = Promise.resolve();
  readonly #logger = new Logger('Database');
  #client: pg.Client | undefined;
  #isLost = false;
  #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly url: Secret) {
    super();
  }

  get areComplete(): boolean {
    return this.#client !== undefined;
  }

  send(channel: string, payload: string): void {
    this.#unsent.push([channel, payload]);
    if (this.#unsent.length === 1) this.#sending = sleep(GATHER_MS).then(() => this.#sendAll());
  }

  subscribe(channel: string, receive: (payload: string) => void): void {
    this.#receivers.set(channel, receive);
  }

  onGap(listener: () => void): void {
    this.#gapListeners.push(listener);
  }

  /** Connects in the background, and again whenever the connection is lost. */
  start(): void {
    this.#running = this.#stayConnected();
  }

  async stop(): Promise<void> {
    await this.#sending;
    this.#stopped.abort();
    await this.#running;
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#client && this.#unsent.length > 0) {
        const batch = this.#unsent.slice(0, MAX_SENT_TOGETHER);
        await this.#client.query({
          name: 'send',
          text: SEND,
          values: [batch.map(([channel]) => channel), batch.map(([, payload]) => payload)],
        });
        this.#unsent.splice(0, batch.length);
      }
    } catch {
      // The connection is lost; they are sent once it is back.
    }
  }

  async #stayConnected(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#listen();
      } catch {
        if (!this.#isLost) this.#logger.warn('The connection for change notifications is lost; caches are not used until it is back.');
        this.#isLost = true;
      }
      this.#client = undefined;
      for (const listener of this.#gapListeners) listener();
      await sleep(RECONNECT_AFTER_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
    }
  }

  /** Resolves when told to stop, rejects when the connection is lost. */
  async #listen(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.url.reveal(),
      application_name: 'tillkeeper notifications',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    });
    const lost = new Promise<never>((_, reject) => {
      client.once('error', reject);
      client.once('end', () => reject(new Error('The connection ended.')));
    });
    lost.catch(() => undefined);
    try {
      await client.connect();
      client.on('notification', ({ channel, payload }) => this.#receivers.get(channel)?.(payload ?? ''));
      for (const channel of this.#receivers.keys()) await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
      // Whatever was cached while nobody listened is forgotten before it is believed again.
      for (const listener of this.#gapListeners) listener();
      // Nothing here is worth waiting for the disk: whoever loses it in a crash starts with empty caches.
      await client.query('SET synchronous_commit = off');
      this.#client = client;
      this.#sending = this.#sendAll();
      if (this.#isLost) this.#logger.log('The connection for change notifications is back.');
      this.#isLost = false;
      while (!this.#stopped.signal.aborted) {
        await Promise.race([lost, sleep(PING_EVERY_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined)]);
        if (!this.#stopped.signal.aborted) await client.query('SELECT 1');
      }
    } finally {
      this.#client = undefined;
      await client.end().catch(() => undefined);
    }
  }
}
