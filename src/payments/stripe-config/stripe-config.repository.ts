import { Injectable } from '@nestjs/common';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { Database, type Engine, run, type Transaction } from '../../database/database.js';
import { toConfig } from './config-row.js';
import { saveInSteps, saveValues } from './config-write.js';
import type { StripeMode } from './credential-rules.js';
import { assertCondition, isConditional, type Precondition } from './precondition.js';
import type { ConfigSave, SealedCredential, StoredCredential, StripeConfig } from './stripe-config.js';
import * as statements from './stripe-config.statements.js';
import * as secrets from './webhook-secret.statements.js';

export interface OwnedConfig {
  readonly ownerId: OwnerId;
  readonly config: StripeConfig | undefined;
}

@Injectable()
export class StripeConfigRepository {
  constructor(private readonly database: Database) {}

  async findByProject(projectId: ProjectId): Promise<StripeConfig | undefined> {
    const [row] = await this.database.query(statements.FIND[this.database.engine], [projectId]);
    return row && toConfig(row);
  }

  /** A live project's owner and configuration in one query. @returns `undefined` when there is no such project */
  async findWithOwner(projectId: ProjectId): Promise<OwnedConfig | undefined> {
    const [row] = await this.database.query(statements.FIND_WITH_OWNER[this.database.engine], [projectId]);
    return row && { ownerId: row.owner_id, config: row.id === null ? undefined : toConfig(row) };
  }

  /** @returns `undefined` when there is no such project */
  async findSecretKey(projectId: ProjectId, mode: StripeMode): Promise<statements.SecretKeyRow | undefined> {
    const [row] = await this.database.query(statements.FIND_SECRET_KEY, [projectId, mode]);
    return row;
  }

  /** Those that are valid at `now`, the newest first; see the statement for what else the rows tell. */
  findWebhookSecrets(projectId: ProjectId, mode: StripeMode, now: Date): Promise<secrets.WebhookSecretRow[]> {
    return this.database.query(secrets.FIND_WEBHOOK_SECRETS, [projectId, mode, now]);
  }

  /**
   * Creates or updates the configuration of a live project and replaces the given credentials, all or nothing, with no read before
   * the write: concurrent partial updates all win.
   * @returns the configuration as it is after this write, or `undefined` when the project has gone
   * @throws DomainError `precondition_failed`
   */
  async save(save: ConfigSave): Promise<StripeConfig | undefined> {
    const { engine } = this.database;
    return engine === 'postgres' && save.noFormerIn.length === 0 && !isConditional(save.precondition)
      ? this.#saveOnPostgres(save)
      : this.database.transaction(() => saveInSteps(engine, save));
  }

  async #saveOnPostgres(save: ConfigSave): Promise<StripeConfig | undefined> {
    const { projectId, credentials } = save;
    const [row] = await this.database.query(statements.SAVE_ON_POSTGRES, saveValues(save));
    if (!row) return undefined;
    const saved = toConfig(row);
    const expectedVersion = (row.seen_version ?? 0) + (credentials.length > 0 ? 1 : 0);
    if (saved.version === expectedVersion) return saved;
    const current = await this.findByProject(projectId);
    if (!current?.isActive) return saved;
    if (current.version === saved.version) return current;
    // Written again in between: what this write wrote, under its own version, with the rest as it is now.
    const isOwn = ({ mode, kind }: StoredCredential) => credentials.some((own) => own.mode === mode && own.kind === kind);
    return { ...saved, credentials: [...saved.credentials.filter(isOwn), ...current.credentials.filter((stored) => !isOwn(stored))] };
  }

  /**
   * Deactivates the configuration and destroys its credentials.
   * @returns whether there ever was a configuration
   * @throws DomainError `precondition_failed`
   */
  async remove(projectId: ProjectId, precondition: Precondition, now: Date): Promise<boolean> {
    const { engine } = this.database;
    return this.database.transaction(function* () {
      return (yield* lock(projectId, precondition)) && (yield* removal(engine, projectId, now));
    });
  }

  /** The same inside the transaction that deletes the project. */
  *removeWithProject(projectId: ProjectId, now: Date): Transaction<void> {
    yield* removal(this.database.engine, projectId, now);
  }

  /** Destroys the credentials of one mode; otherwise as `remove`. */
  async removeMode(projectId: ProjectId, mode: StripeMode, precondition: Precondition, now: Date): Promise<boolean> {
    return this.#destroy(projectId, () => run(statements.DELETE_MODE, [projectId, mode]), precondition, now);
  }

  /**
   * Stores a webhook secret and what `record` writes, if the secret key with `keyFingerprint` is in use and `record` agrees.
   * @returns whether it did
   */
  async saveWebhookSecret(
    projectId: ProjectId,
    { mode, kind, sealed, keyId, mask, fingerprint, looksCutOff }: SealedCredential,
    keyFingerprint: string,
    formerValidUntil: Date,
    record: () => Transaction<boolean>,
    now: Date,
  ): Promise<boolean> {
    const { engine } = this.database;
    return this.database.transaction(function* () {
      yield* run(statements.LOCK, [projectId]);
      const [key] = yield* run(statements.IS_SECRET_KEY, [projectId, mode, keyFingerprint]);
      if (!key || !(yield* record())) return false;
      // A secret names no account by itself; the endpoint is in that of the key that made it.
      const columns = [projectId, mode, kind, 0, sealed, keyId, mask, fingerprint, key.account_fingerprint, looksCutOff, now];
      yield* run(statements.RAISE_VERSION, [projectId, now]);
      yield* run(secrets.KEEP_FORMER, [projectId, formerValidUntil, mode, fingerprint]);
      yield* run(statements.UPSERT_CREDENTIAL, columns);
      if (formerValidUntil <= now) yield* run(secrets.DELETE_FORMER, [projectId, mode]);
      yield* notifyOthers(engine, projectId);
      return true;
    });
  }

  /** Destroys the webhook secret of one mode, if it still has this fingerprint, and what `forget` deletes. */
  async removeWebhookSecret(
    projectId: ProjectId,
    mode: StripeMode,
    fingerprint: string,
    forget: () => Transaction<void>,
    now: Date,
  ): Promise<void> {
    const deletion = function* () {
      yield* forget();
      return yield* run(secrets.DELETE_WEBHOOK_SECRET, [projectId, mode, fingerprint]);
    };
    await this.#destroy(projectId, deletion, {}, now);
  }

  /** @param deletion answers a row for each credential that it destroyed */
  async #destroy(projectId: ProjectId, deletion: () => Transaction<unknown[]>, precondition: Precondition, now: Date): Promise<boolean> {
    const { engine } = this.database;
    return this.database.transaction(function* () {
      if (!(yield* lock(projectId, precondition))) return false;
      const deleted = yield* deletion();
      if (deleted.length === 0) return true;
      yield* run(statements.RAISE_VERSION, [projectId, now]);
      yield* notifyOthers(engine, projectId);
      return true;
    });
  }
}

/** @returns whether there ever was a configuration */
function* lock(projectId: ProjectId, precondition: Precondition): Transaction<boolean> {
  const [locked] = yield* run(statements.LOCK, [projectId]);
  if (!locked) return false;
  assertCondition(precondition, { version: locked.version, isActive: Boolean(locked.is_active) });
  return true;
}

function* removal(engine: Engine, projectId: ProjectId, now: Date): Transaction<boolean> {
  const deactivated = yield* run(statements.DEACTIVATE, [projectId, now]);
  if (deactivated.length === 0) return false;
  yield* run(statements.DELETE_CREDENTIALS, [projectId]);
  yield* notifyOthers(engine, projectId);
  return true;
}

function* notifyOthers(engine: Engine, projectId: ProjectId): Transaction<void> {
  if (engine === 'postgres') yield* run(statements.NOTIFY, [projectId]);
}
