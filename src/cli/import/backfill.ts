import type { INestApplicationContext } from '@nestjs/common';
import { DomainError } from '../../common/errors.js';
import { Semaphore } from '../../common/semaphore.js';
import { ReconcileService } from '../../payments/webhooks/reconcile/reconcile.service.js';
import { ReconciliationsRepository } from '../../payments/webhooks/reconcile/reconciliations.repository.js';
import { type ProjectLine, type Refusal, refusalOf } from './project-line.js';

/** Accounts that are read at once, so that a slow one delays no other. */
const CONCURRENCY = 10;

/** Reads what the accounts of imported projects had before, once for each key. */
export class Backfill {
  readonly #reconciler: ReconcileService;
  readonly #passes: ReconciliationsRepository;
  readonly #signal: AbortSignal;
  readonly #places = new Semaphore({
    concurrency: CONCURRENCY,
    queued: Infinity,
    tooBusy: () => new Error('The queue has no limit.'),
  });

  constructor(services: INestApplicationContext, signal: AbortSignal) {
    this.#reconciler = services.get(ReconcileService);
    this.#passes = services.get(ReconciliationsRepository);
    this.#signal = signal;
  }

  /** @returns the projects that are imported, but whose past could not be read completely */
  async run(lines: readonly ProjectLine[]): Promise<Refusal[]> {
    const failures = await Promise.all(
      lines.flatMap((line) =>
        line.credentials
          .filter(({ rule }) => rule.kind === 'secret_key')
          .map(({ rule }) => this.#places.run(() => this.#read(line, rule.field, rule.mode))),
      ),
    );
    return failures.flat();
  }

  async #read(line: ProjectLine, field: string, mode: 'test' | 'live'): Promise<Refusal[]> {
    const tenant = { projectId: line.project.id, mode };
    if (this.#signal.aborted || (await this.#passes.isBackfilled(tenant))) return [];
    const incomplete = (reason: string) => [
      refusalOf(line, `is stored, but not all that its account had before could be read: ${reason}`, field),
    ];
    try {
      const { failures } = await this.#reconciler.reconcile(tenant, {
        signal: this.#signal,
        isBackfill: true,
      });
      return failures[0] ? incomplete(failures[0].reason) : [];
    } catch (error) {
      if (!(error instanceof DomainError) || error.code === 'database_unavailable') throw error;
      return incomplete(error.message);
    }
  }
}
