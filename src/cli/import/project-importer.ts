import type { INestApplicationContext } from '@nestjs/common';
import { DomainError } from '../../common/errors.js';
import { Database, query, type Steps, zip } from '../../database/database.js';
import { isDatabaseUnavailable } from '../../database/database-errors.js';
import { HistoryTrail } from '../../history/history-trail.js';
import { CredentialSealer, type SealedCredential } from '../../payments/stripe-config/credential-sealer.js';
import { isStored, StripeConfigRepository } from '../../payments/stripe-config/stripe-config.repository.js';
import {
  type CurrentCredential,
  FIND_CURRENT,
} from '../../payments/stripe-config/stripe-config.statements.js';
import { isTaken, ProjectRepository } from '../../projects/project.repository.js';
import { FIND_ANY } from '../../projects/project.statements.js';
import { PROJECT_TAKEN } from '../../projects/projects.service.js';
import { OPERATOR } from '../session.js';
import { type ProjectLine, type Refusal, refusalOf } from './project-line.js';

export type Outcome = 'created' | 'updated' | 'unchanged' | Refusal;

/** Stores lines of an import: of each line the project and its credentials, or nothing. */
export class ProjectImporter {
  readonly #database: Database;
  readonly #history: HistoryTrail;
  readonly #projects: ProjectRepository;
  readonly #configs: StripeConfigRepository;
  readonly #sealer: CredentialSealer;

  constructor(services: INestApplicationContext) {
    this.#database = services.get(Database);
    this.#history = services.get(HistoryTrail);
    this.#projects = services.get(ProjectRepository);
    this.#configs = services.get(StripeConfigRepository);
    this.#sealer = services.get(CredentialSealer);
  }

  /** What `store` would do. Lines that are stored already need no more than this, so that a repetition is fast. */
  plan(lines: readonly ProjectLine[]): Promise<Outcome[]> {
    return this.#database.transaction(() => zip(...lines.map((line) => this.#plan(line))));
  }

  /**
   * Stores the lines of different projects in one transaction. If it fails, each line has a transaction of its own, so
   * that only the line at fault is refused.
   * @throws DomainError `database_unavailable`
   */
  async store(lines: readonly ProjectLine[]): Promise<Outcome[]> {
    try {
      return await this.#storeTogether(lines);
    } catch (error) {
      const [line] = lines;
      if (line && lines.length === 1 && !isDatabaseUnavailable(error))
        return [refusalOf(line, reasonOf(error))];
      if (lines.length === 1) throw error;
    }
    const outcomes: Outcome[] = [];
    for (const line of lines) outcomes.push(...(await this.store([line])));
    return outcomes;
  }

  #storeTogether(lines: readonly ProjectLine[]): Promise<Outcome[]> {
    const at = new Date();
    return this.#sealer.withCurrentKey(() => {
      const sealed = lines.map(({ project, credentials }) =>
        credentials.map(({ rule, value }) => this.#sealer.seal(project.id, rule, value)),
      );
      return this.#database.transaction(() =>
        zip(...lines.map((line, index) => this.#store(line, sealed[index] ?? [], at))),
      );
    });
  }

  *#plan(line: ProjectLine): Steps<Outcome> {
    const { id, ownerId, name } = line.project;
    const [[project], current] = yield* zip(query(FIND_ANY, [id]), query(FIND_CURRENT, [id]));
    if (isTaken(project, ownerId)) return refusalOf(line, PROJECT_TAKEN);
    if (!project) return 'created';
    return project.name === name && this.#areStored(line, current) ? 'unchanged' : 'updated';
  }

  #areStored({ project, credentials }: ProjectLine, current: readonly CurrentCredential[]): boolean {
    return credentials.every(({ rule: { mode, kind }, value }) =>
      isStored({ mode, kind, fingerprint: this.#sealer.fingerprint(project.id, value) }, current),
    );
  }

  *#store(line: ProjectLine, credentials: readonly SealedCredential[], at: Date): Steps<Outcome> {
    const projectId = line.project.id;
    const chain = yield* this.#history.lockChain(projectId);
    const provisioned = yield* this.#projects.provisionWithin(chain, line.project, OPERATOR, at);
    if (!provisioned) return refusalOf(line, PROJECT_TAKEN);
    const save = { projectId, credentials, actor: OPERATOR, now: at };
    const isSaved = credentials.length > 0 && (yield* this.#configs.saveDifferences(chain, save));
    if (provisioned.change === 'created') return 'created';
    return provisioned.change || isSaved ? 'updated' : 'unchanged';
  }
}

function reasonOf(error: unknown): string {
  return error instanceof DomainError ? error.message : 'The database refuses this line.';
}
