import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { EventLog } from '../payments/events/event-log.js';
import { DeliveriesService } from '../payments/events/delivery-log/deliveries.service.js';
import { DURABLE_EVENTS, PaymentsEvents } from '../payments/payments-events.js';
import { WebhookEventsRepository } from '../payments/webhooks/events/webhook-events.repository.js';
import { SEALED_COLUMNS } from '../payments/sealed-columns.js';
import { DataKeyRepository, type DataKeyRow } from '../vault/keys/data-key.repository.js';
import { type KeyringNode, KeyringNodesRepository } from '../vault/keys/keyring-nodes.repository.js';
import { REPORT_INTERVAL_MS } from '../vault/keys/keyring-sync.js';
import { SealedRowsRepository } from '../vault/seal/sealed-rows.repository.js';

/** A process that misses two reports counts as ended. */
const SILENCE_MS = 3 * REPORT_INTERVAL_MS;

export interface Waiting {
  readonly count: number;
  readonly oldest: Date | null;
}

export interface SystemState {
  readonly processes: readonly KeyringNode[];
  /** The keys for credentials and other secrets, the newest first. */
  readonly sealKeys: readonly (DataKeyRow & { readonly rows: number | null })[];
  readonly webhooks: Waiting;
  readonly deliveries: Waiting;
  readonly listeners: Waiting;
}

/** Looks at all processes and tables of the installation, without reading data of tenants. */
@Injectable()
export class SystemService {
  readonly #sealedRows: SealedRowsRepository;

  constructor(
    database: Database,
    private readonly keys: DataKeyRepository,
    private readonly nodes: KeyringNodesRepository,
    private readonly webhooks: WebhookEventsRepository,
    private readonly deliveries: DeliveriesService,
    private readonly log: EventLog,
    private readonly events: PaymentsEvents,
  ) {
    this.#sealedRows = new SealedRowsRepository(database, SEALED_COLUMNS);
  }

  async look(): Promise<SystemState> {
    const [processes, sealKeys, { waiting, oldest }, deliveries, listeners] = await Promise.all([
      this.#running(),
      this.#sealKeys(),
      this.webhooks.backlog(),
      this.deliveries.pending(),
      this.#waitingForListeners(),
    ]);
    return { processes, sealKeys, webhooks: { count: waiting, oldest }, deliveries, listeners };
  }

  async #running(): Promise<KeyringNode[]> {
    const since = Date.now() - SILENCE_MS;
    return (await this.nodes.list()).filter(({ answeredAt }) => answeredAt.getTime() >= since);
  }

  /** Counts only the rows of former keys: those of the current one are all others, and would take long. */
  async #sealKeys(): Promise<SystemState['sealKeys']> {
    const keys = (await this.keys.list()).filter(({ purpose }) => purpose === 'seal');
    const counted = keys.map(async (key) => {
      const rows = key.state === 'primary' ? null : await this.#sealedRows.countOf(key.id);
      return { ...key, rows };
    });
    return (await Promise.all(counted)).sort(
      (one, other) => other.createdAt.getTime() - one.createdAt.getTime(),
    );
  }

  async #waitingForListeners(): Promise<Waiting> {
    // Without a listener nothing waits for one.
    const types = DURABLE_EVENTS.filter((type) => this.events.hasListener(type));
    const backlogs = await Promise.all(types.map((type) => this.log.backlog(type)));
    const times = backlogs.flatMap(({ oldest }) => oldest?.getTime() ?? []);
    return {
      count: backlogs.reduce((sum, { waiting }) => sum + waiting, 0),
      oldest: times.length > 0 ? new Date(Math.min(...times)) : null,
    };
  }
}
