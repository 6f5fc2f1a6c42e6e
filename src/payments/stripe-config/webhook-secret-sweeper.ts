import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AuditTrail } from '../../audit/audit-trail.js';
import { systemActor } from '../../common/actor.js';
import type { PeriodicTask } from '../../common/periodic-task.js';
import type { ProjectId } from '../../common/ids.js';
import { Database, query } from '../../database/database.js';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import { Keyring } from '../../vault/keyring.js';
import { auditFields } from './config-events.js';
import { DELETE_EXPIRED, FIND_EXPIRED, SWEPT_AT_ONCE } from './webhook-secret.statements.js';

const EVERY_MS = 60_000;
const SOON_MS = 500;

const ACTOR = systemActor('webhook secret sweep');

/** Destroys former webhook secrets once they are no longer valid. */
@Injectable()
export class WebhookSecretSweeper implements OnApplicationBootstrap {
  readonly #task: PeriodicTask;

  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly keyring: Keyring,
    tasks: PeriodicTasks,
  ) {
    this.#task = tasks.add({
      name: 'webhook_secrets',
      intervalMs: EVERY_MS,
      firstAfterMs: 0,
      work: () => this.#sweepOnceKeysAreLoaded(),
      // They are not accepted any more, whether destroyed now or by the next attempt.
      failure: 'Former webhook secrets that are no longer valid could not be destroyed yet.',
    });
  }

  onApplicationBootstrap(): void {
    this.#task.start();
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
      const destroyed = yield* query(DELETE_EXPIRED, [projectId, at]);
      if (destroyed.length === 0) return 0;
      yield* chain.append({ action: 'webhook_secret.expired', details: { fields: auditFields(destroyed) }, actor: ACTOR, at });
      return destroyed.length;
    });
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
