import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HistoryTrail } from '../../history/history-trail.js';
import { systemActor } from '../../common/actor.js';
import type { PeriodicTask } from '../../database/periodic-task.js';
import type { ProjectId } from '../../common/ids.js';
import { Settings } from '../../config/settings.js';
import { Database, query, exec, type Steps } from '../../database/database.js';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import { Keyring } from '../../vault/keys/keyring.js';
import { STRIPE_MODES, type StripeMode } from '../stripe/stripe-mode.js';
import type { SealedCredential } from './credential-sealer.js';
import { historyFields } from './stripe-config.js';
import {
  DELETE_EXPIRED,
  DELETE_FORMER,
  FIND_EXPIRED,
  FIND_WEBHOOK_SECRETS,
  KEEP_FORMER,
  LOCK_WEBHOOK_SECRETS,
  type StoredWebhookSecret,
  SWEEP_BATCH,
} from './stripe-config.statements.js';

/** Validity of replaced webhook secrets. */
export interface Overlap {
  readonly validUntil: Date;
  /** Modes whose former webhook secrets end now, including the secret replaced now. */
  readonly modesWithout: readonly StripeMode[];
}

const EVERY_MS = 60_000;
const SOON_MS = 500;

const ACTOR = systemActor('webhook secret sweep');

/** Keeps replaced webhook secrets valid, because Stripe may still use them. A sweep destroys expired ones. */
@Injectable()
export class WebhookSecretOverlap implements OnApplicationBootstrap {
  readonly #task: PeriodicTask;

  constructor(
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly keyring: Keyring,
    private readonly settings: Settings,
    tasks: PeriodicTasks,
  ) {
    this.#task = tasks.add({
      name: 'webhook_secrets',
      intervalMs: EVERY_MS,
      firstAfterMs: 0,
      work: () => this.#sweepOnceKeysAreLoaded(),
      // Expired secrets are refused even before they are destroyed.
      failure: 'Former webhook secrets that are no longer valid could not be destroyed yet.',
    });
  }

  onApplicationBootstrap(): void {
    this.#task.start();
  }

  /** Overlap of a write at `now`. @param seconds value of the request; 0 also ends running overlaps */
  from(
    now: Date,
    credentials: readonly Pick<SealedCredential, 'mode' | 'kind'>[],
    seconds?: number,
  ): Overlap {
    const validUntil = new Date(now.getTime() + (seconds ?? this.settings.webhookSecretOverlap) * 1_000);
    const renewed = credentials.filter(({ kind }) => kind === 'webhook_secret').map(({ mode }) => mode);
    const ended = seconds === 0 && renewed.length === 0 ? STRIPE_MODES : renewed;
    return { validUntil, modesWithout: validUntil > now ? [] : ended };
  }

  lockStored(projectId: ProjectId): Steps<StoredWebhookSecret[]> {
    return query(LOCK_WEBHOOK_SECRETS, [projectId]);
  }

  /**
   * Keeps webhook secrets that `credentials` will replace.
   * @param stored result of `lockStored`
   * @returns the destroyed webhook secrets
   */
  *prepare(
    projectId: ProjectId,
    stored: readonly StoredWebhookSecret[],
    credentials: readonly SealedCredential[],
    overlap: Overlap,
  ): Steps<StoredWebhookSecret[]> {
    const { validUntil, modesWithout } = overlap;
    for (const { kind, mode, fingerprint } of credentials) {
      if (kind !== 'webhook_secret' || modesWithout.includes(mode)) continue;
      const current = stored.find((secret) => secret.mode === mode && secret.slot === 0);
      if (current && current.fingerprint !== fingerprint)
        yield* exec(KEEP_FORMER, [projectId, validUntil, mode, fingerprint]);
    }
    for (const mode of modesWithout) yield* exec(DELETE_FORMER, [projectId, mode]);
    return destroyedBy(credentials, modesWithout, stored);
  }

  /** Secrets that are valid at `now`, newest first: see `FIND_WEBHOOK_SECRETS`. */
  findValid(projectId: ProjectId, mode: StripeMode, now: Date) {
    return this.database.query(FIND_WEBHOOK_SECRETS, [projectId, mode, now]);
  }

  /** Destroys expired secrets. Safe in several processes at once. @returns their number */
  async sweep(now = new Date()): Promise<number> {
    const found = await this.database.query(FIND_EXPIRED, [now]);
    let swept = 0;
    for (const { projectId } of found)
      swept += await this.database.transaction(() => this.#sweepProject(projectId, now));
    return found.length < SWEEP_BATCH ? swept : swept + (await this.sweep(now));
  }

  *#sweepProject(projectId: ProjectId, at: Date): Steps<number> {
    const chain = yield* this.history.lockChain(projectId);
    const destroyed = yield* query(DELETE_EXPIRED, [projectId, at]);
    if (destroyed.length === 0) return 0;
    yield* chain.append({
      action: 'webhook_secret.expired',
      details: { fields: historyFields(destroyed) },
      actor: ACTOR,
      at,
    });
    return destroyed.length;
  }

  /** Waits for the data keys, because the history needs one. They load while the application starts. */
  async #sweepOnceKeysAreLoaded(): Promise<boolean> {
    if (!this.keyring.isLoaded) {
      this.#task.wake(SOON_MS);
      return false;
    }
    await this.sweep();
    return true;
  }
}

/** @param stored the secrets before the write */
function destroyedBy(
  credentials: readonly SealedCredential[],
  modesWithoutOverlap: readonly StripeMode[],
  stored: readonly StoredWebhookSecret[],
): StoredWebhookSecret[] {
  const successors = new Map(
    credentials.flatMap(({ kind, mode, fingerprint }) =>
      kind === 'webhook_secret' ? [[mode, fingerprint]] : [],
    ),
  );
  return stored.filter(({ mode, slot, fingerprint, nextSlot }) => {
    const successor = successors.get(mode);
    if (fingerprint === successor) return false;
    if (modesWithoutOverlap.includes(mode)) return slot > 0 || successor !== undefined;
    // A secret that is stored already evicts nothing: the replaced secret reuses its slot.
    const isNew =
      successor !== undefined && !stored.some((each) => each.mode === mode && each.fingerprint === successor);
    return isNew && slot === nextSlot;
  });
}
