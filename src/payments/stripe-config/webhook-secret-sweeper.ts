import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { AuditTrail } from '../../audit/audit-trail.js';
import { systemActor } from '../../common/actor.js';
import { PeriodicTasks } from '../../common/periodic-tasks.js';
import type { ProjectId } from '../../common/ids.js';
import { Database, run } from '../../database/database.js';
import { Keyring } from '../../vault/keyring.js';
import { auditFields } from './config-events.js';
import { DELETE_EXPIRED, FIND_EXPIRED, SWEPT_AT_ONCE } from './webhook-secret.statements.js';

const EVERY_MS = 60_000;
const SOON_MS = 500;

const ACTOR = systemActor('webhook secret sweep');

/** Destroys former webhook secrets once they are no longer valid. Every process does so; it harms nobody to be second. */
@Injectable()
export class WebhookSecretSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger(WebhookSecretSweeper.name);
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly keyring: Keyring,
    private readonly tasks: PeriodicTasks,
  ) {}

  onApplicationBootstrap(): void {
    this.#running = this.#attempt();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** @returns how many it destroyed */
  async sweep(now = new Date()): Promise<number> {
    const found = await this.database.query(FIND_EXPIRED, [now]);
    let swept = 0;
    for (const { project_id } of found) swept += await this.#sweepProject(project_id, now);
    return found.length < SWEPT_AT_ONCE ? swept : swept + (await this.sweep(now));
  }

  #sweepProject(projectId: ProjectId, at: Date): Promise<number> {
    const { audit } = this;
    return this.database.transaction(function* () {
      const chain = yield* audit.open(projectId);
      const destroyed = yield* run(DELETE_EXPIRED, [projectId, at]);
      if (destroyed.length === 0) return 0;
      yield* chain.append({ action: 'webhook_secret.expired', details: { fields: auditFields(destroyed) }, actor: ACTOR, at });
      return destroyed.length;
    });
  }

  async #attempt(): Promise<void> {
    // The history needs a data key, and they are opened while the application starts.
    const { isLoaded } = this.keyring;
    try {
      if (isLoaded) {
        await this.sweep();
        this.tasks.succeeded('webhook_secrets');
      }
    } catch {
      // They are not accepted any more, whether destroyed now or by the next attempt.
      this.#logger.warn('Former webhook secrets that are no longer valid could not be destroyed yet.');
    }
    const again = () => {
      this.#running = this.#attempt();
    };
    if (!this.#isStopping) this.#timer = setTimeout(again, isLoaded ? EVERY_MS : SOON_MS).unref();
  }
}
