import type { HistoryChain } from '../history/history-trail.js';
import type { Actor } from '../common/actor.js';
import type { Steps } from '../database/database.js';

export interface Cleanup {
  /** Runs after the removal was committed, so a failure cannot undo it. */
  readonly cleanUp?: () => Promise<void>;
}

export interface RemovalPart extends Cleanup {
  /** Runs inside the transaction that removes the subject. */
  readonly destroy?: (chain: HistoryChain, now: Date) => Steps<void>;
}

/** Called before the removal, while everything about the subject can still be read. */
export type RemovalListener<Subject, Part> = (subject: Subject, actor: Actor) => Promise<Part>;

/**
 * The one way for a module to act when a module below removes something. Modules add their listener in
 * `onModuleInit`.
 */
export class RemovalHook<Subject, Part extends RemovalPart = Cleanup> {
  readonly #listeners: RemovalListener<Subject, Part>[] = [];

  on(listener: RemovalListener<Subject, Part>): void {
    this.#listeners.push(listener);
  }

  /** Asks every listener for its part. `cleanUp` of the result runs all of them, and rejects if one fails. */
  async prepare(subjects: readonly Subject[], actor: Actor): Promise<Required<RemovalPart>> {
    const parts = await Promise.all(
      subjects.flatMap((subject) => this.#listeners.map((listener) => listener(subject, actor))),
    );
    return {
      *destroy(chain, now) {
        for (const { destroy } of parts) if (destroy) yield* destroy(chain, now);
      },
      async cleanUp() {
        const results = await Promise.allSettled(parts.flatMap(({ cleanUp }) => cleanUp?.() ?? []));
        const errors = results.flatMap((result) =>
          result.status === 'rejected' ? [result.reason as unknown] : [],
        );
        if (errors.length > 0) throw new AggregateError(errors, 'Not everything could be cleaned up.');
      },
    };
  }
}
