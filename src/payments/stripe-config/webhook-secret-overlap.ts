import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HistoryTrail } from '../../history/history-trail.js';
import { systemActor } from '../../common/actor.js';
import type { PeriodicTask } from '../../common/periodic-task.js';
import type { ProjectId } from '../../common/ids.js';
import { Settings } from '../../config/settings.js';
import { Database, query, exec, type Steps } from '../../database/database.js';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import { Keyring } from '../../vault/keys/keyring.js';
import { historyFields } from './config-events.js';
import { STRIPE_MODES, type StripeMode } from '../stripe/stripe-mode.js';
import type { Overlap, SealedCredential } from './stripe-config.js';
import {
  DELETE_EXPIRED,
  DELETE_FORMER,
  FIND_EXPIRED,
  FIND_KEPT,
  FIND_WEBHOOK_SECRETS,
  KEEP_FORMER,
  type KeptSecret,
  SWEPT_AT_ONCE,
  type WebhookSecretRow,
} from './webhook-secret.statements.js';

const EVERY_MS = 60_000;
const SOON_MS = 500;

const ACTOR = systemActor('webhook secret sweep');

/**
 * A replaced webhook secret stays valid for a while, since Stripe may still sign with it. It is kept in a slot of its own, and destroyed
 * when its time is over.
 */
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
      // Expired secrets are refused whether they are destroyed now or by the next attempt.
      failure: 'Former webhook secrets that are no longer valid could not be destroyed yet.',
    });
  }

  onApplicationBootstrap(): void {
    this.#task.start();
  }

  /** The overlap that a write at `now` starts. @param seconds of a request, which may also end overlaps that still run */
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

  /** Before `credentials` are written: keeps the webhook secrets that they replace. @returns the webhook secrets that are destroyed */
  *prepare(
    projectId: ProjectId,
    credentials: readonly SealedCredential[],
    overlap: Overlap,
  ): Steps<KeptSecret[]> {
    const { validUntil, modesWithout } = overlap;
    const kept = yield* query(FIND_KEPT[this.database.engine], [projectId]);
    for (const { kind, mode, fingerprint } of credentials) {
      if (kind === 'webhook_secret' && !modesWithout.includes(mode))
        yield* exec(KEEP_FORMER, [projectId, validUntil, mode, fingerprint]);
    }
    for (const mode of modesWithout) yield* exec(DELETE_FORMER, [projectId, mode]);
    return destroyedBy(credentials, modesWithout, kept);
  }

  /** The secrets that are valid at `now`, the newest first; see the statement for what else the rows tell. */
  findValid(projectId: ProjectId, mode: StripeMode, now: Date): Promise<WebhookSecretRow[]> {
    return this.database.query(FIND_WEBHOOK_SECRETS, [projectId, mode, now]);
  }

  /** Destroys former secrets that are no longer valid. Every process may do so at any time. @returns how many it destroyed */
  async sweep(now = new Date()): Promise<number> {
    const found = await this.database.query(FIND_EXPIRED, [now]);
    let swept = 0;
    for (const { project_id } of found)
      swept += await this.database.transaction(() => this.#sweepProject(project_id, now));
    return found.length < SWEPT_AT_ONCE ? swept : swept + (await this.sweep(now));
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

  /** The history needs a data key, and they are loaded while the application starts. */
  async #sweepOnceKeysAreLoaded(): Promise<boolean> {
    if (!this.keyring.isLoaded) {
      this.#task.wake(SOON_MS);
      return false;
    }
    await this.sweep();
    return true;
  }
}

/** @param kept the secrets before the write */
function destroyedBy(
  credentials: readonly SealedCredential[],
  modesWithoutOverlap: readonly StripeMode[],
  kept: readonly KeptSecret[],
): KeptSecret[] {
  const given = new Map(
    credentials.flatMap(({ kind, mode, fingerprint }) =>
      kind === 'webhook_secret' ? [[mode, fingerprint]] : [],
    ),
  );
  return kept.filter(({ mode, slot, fingerprint, isNextToEvict }) => {
    const successor = given.get(mode);
    if (fingerprint === successor) return false;
    if (modesWithoutOverlap.includes(mode)) return slot > 0 || successor !== undefined;
    // A secret that is stored again changes nothing, or leaves its own slot to the one it replaces.
    const isNew =
      successor !== undefined && !kept.some((each) => each.mode === mode && each.fingerprint === successor);
    return isNew && Boolean(isNextToEvict);
  });
}
