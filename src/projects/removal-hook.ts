import type { HistoryChain } from '../history/history-trail.js';
import type { Actor } from '../common/actor.js';
import type { Steps } from '../database/database.js';

export interface Cleanup {
  /** Runs after the removal is committed. A failure can't undo the removal. */
  readonly cleanUp?: () => Promise<void>;
}

export interface RemovalPart extends Cleanup {
  /** Runs inside the transaction that removes the subject. */
  readonly destroy?: (chain: HistoryChain, now: Date) => Steps<void>;
}

/** Called before the removal, while the subject's data can still be read. */
export type RemovalListener<Subject, Part> = (subject: Subject, actor: Actor) => Promise<Part>;

/** Lets a module act when a lower module removes something. Add listeners in `onModuleInit`. */
export class RemovalHook<Subject, Part extends RemovalPart = Cleanup> {
  readonly #listeners: RemovalListener<Subject, Part>[] = [];

  on(listener: RemovalListener<Subject, Part>): void {
    this.#listeners.push(listener);
  }

  /** Collects the parts of all listeners. The returned `cleanUp` runs all, and rejects if one fails. */
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
