import type { INestApplicationContext } from '@nestjs/common';
import { accountGone } from '../../auth/auth.errors.js';
import { AccountStandings } from '../../auth/tokens/ended-sessions.js';
import { DomainError } from '../../common/errors.js';
import { Database, query, type Steps, zip } from '../../database/database.js';
import { isDatabaseUnavailable } from '../../database/database-errors.js';
import { HistoryTrail } from '../../history/history-trail.js';
import { CredentialSealer, type SealedCredential } from '../../payments/stripe-config/credential-sealer.js';
import { storedAs, StripeConfigRepository } from '../../payments/stripe-config/stripe-config.repository.js';
import type { KeyVerdict } from '../../payments/stripe-config/keys/key-probe.js';
import { FIND_CURRENT } from '../../payments/stripe-config/stripe-config.statements.js';
import { isTaken, ProjectRepository } from '../../projects/project.repository.js';
import { FIND_ANY } from '../../projects/project.statements.js';
import { PROJECT_TAKEN } from '../../projects/projects.service.js';
import { OPERATOR } from '../session.js';
import { type ImportedCredential, type ProjectLine, type Refusal, refusalOf } from './project-line.js';

export type Outcome = 'created' | 'updated' | 'unchanged' | Refusal;

/** What storing a line would do. */
export interface Plan {
  readonly line: ProjectLine;
  readonly outcome: Outcome;
  /** Its secret keys that Stripe has not accepted yet. */
  readonly unverified: readonly PlannedKey[];
  /** Stripe's verdicts on these keys, after `KeyValidation.check`. */
  readonly verdicts: readonly { readonly key: PlannedKey; readonly verdict: KeyVerdict }[];
}

export interface PlannedKey extends ImportedCredential {
  readonly fingerprint: string;
  readonly isStored: boolean;
}

/** Stores lines of an import: of each line the project and its credentials, or nothing. */
export class ProjectImporter {
  readonly #database: Database;
  readonly #history: HistoryTrail;
  readonly #projects: ProjectRepository;
  readonly #configs: StripeConfigRepository;
  readonly #sealer: CredentialSealer;
  readonly #accounts: AccountStandings;

  constructor(services: INestApplicationContext) {
    this.#database = services.get(Database);
    this.#history = services.get(HistoryTrail);
    this.#projects = services.get(ProjectRepository);
    this.#configs = services.get(StripeConfigRepository);
    this.#sealer = services.get(CredentialSealer);
    this.#accounts = services.get(AccountStandings);
  }

  /** How many batches may be stored at once. On SQLite, the server beside it has to get its turn between two. */
  get concurrency(): number {
    return this.#database.engine === 'sqlite' ? 1 : 3;
  }

  /** What `store` would do. Lines that are stored already need no more than this, so that a repetition is fast. */
  plan(lines: readonly ProjectLine[]): Promise<Plan[]> {
    return this.#database.transaction(() => zip(...lines.map((line) => this.#plan(line))));
  }

  /**
   * Stores the lines of different projects in one transaction. If it fails, each line has a transaction of its own, so
   * that only the line at fault is refused.
   * @throws DomainError `database_unavailable`
   */
  async store(lines: readonly ProjectLine[]): Promise<Outcome[]> {
    if (lines.length === 0) return [];
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

  async #storeTogether(lines: readonly ProjectLine[]): Promise<Outcome[]> {
    const startedAt = performance.now();
    const at = new Date();
    const outcomes = await this.#sealer.withCurrentKey(() => {
      const sealed = lines.map(({ project, credentials }) =>
        credentials.map(({ rule, value }) => this.#sealer.seal(project.id, rule, value)),
      );
      return this.#database.transaction(() =>
        zip(...lines.map((line, index) => this.#store(line, sealed[index] ?? [], at))),
      );
    });
    await this.#database.throttle(startedAt);
    return outcomes;
  }

  *#plan(line: ProjectLine): Steps<Plan> {
    const { id, ownerId, name } = line.project;
    const [[project], current] = yield* zip(query(FIND_ANY, [id]), query(FIND_CURRENT, [id]));
    const refused = (reason: string): Plan => ({
      line,
      outcome: refusalOf(line, reason),
      unverified: [],
      verdicts: [],
    });
    if (isTaken(project, ownerId)) return refused(PROJECT_TAKEN);
    if (!project && (yield* this.#accounts.isLockedOut(ownerId))) return refused(accountGone().message);
    const credentials = line.credentials.map((credential) => {
      const { mode, kind } = credential.rule;
      const fingerprint = this.#sealer.fingerprint(id, credential.value);
      return { ...credential, fingerprint, stored: storedAs({ mode, kind, fingerprint }, current) };
    });
    const unverified = credentials
      .filter(({ rule, stored }) => rule.kind === 'secret_key' && !stored?.isAccepted)
      .map(({ stored, ...key }) => ({ ...key, isStored: stored !== undefined }));
    const isSame = project?.name === name && credentials.every(({ stored }) => stored);
    return {
      line,
      outcome: project ? (isSame ? 'unchanged' : 'updated') : 'created',
      unverified,
      verdicts: [],
    };
  }

  *#store(line: ProjectLine, credentials: readonly SealedCredential[], at: Date): Steps<Outcome> {
    const projectId = line.project.id;
    const chain = yield* this.#history.lockChain(projectId);
    const provisioned = yield* this.#projects.provisionWithin(chain, line.project, OPERATOR, at);
    if (!provisioned) return refusalOf(line, PROJECT_TAKEN);
    const save = { projectId, credentials, actor: OPERATOR, now: at };
    const isNew = provisioned.change === 'created';
    const isSaved = credentials.length > 0 && (yield* this.#configs.saveDifferences(chain, save, isNew));
    if (isNew) return 'created';
    return provisioned.change || isSaved ? 'updated' : 'unchanged';
  }
}

function reasonOf(error: unknown): string {
  return error instanceof DomainError ? error.message : 'The database refuses this line.';
}
