import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { Database, type Engine, run, toTimestamp, type Transaction } from '../../database/database.js';
import type { StripeMode } from './credential-rules.js';
import type { SealedCredential, StripeConfig } from './stripe-config.js';
import * as statements from './stripe-config.statements.js';
import type { JoinedRow } from './stripe-config.statements.js';

export interface OwnedConfig {
  readonly ownerId: OwnerId;
  readonly config: StripeConfig | undefined;
}

@Injectable()
export class StripeConfigRepository {
  constructor(private readonly database: Database) {}

  async findByProject(projectId: ProjectId): Promise<StripeConfig | undefined> {
    return toConfig(await this.database.query(statements.FIND, [projectId]));
  }

  /** A live project's owner and configuration in one query. @returns `undefined` when there is no such project */
  async findWithOwner(projectId: ProjectId): Promise<OwnedConfig | undefined> {
    const rows = await this.database.query(statements.FIND_WITH_OWNER, [projectId]);
    const [first] = rows;
    return first && { ownerId: first.owner_id, config: toConfig(rows.filter((row) => row.id !== null)) };
  }

  /** @returns `undefined` when there is no such project */
  async findSecretKey(projectId: ProjectId, mode: StripeMode): Promise<statements.SecretKeyRow | undefined> {
    const [row] = await this.database.query(statements.FIND_SECRET_KEY, [projectId, mode]);
    return row;
  }

  /**
   * Creates or updates the configuration of a live project and replaces the given credentials, all or nothing, with no read before
   * the write: concurrent partial updates all win.
   * @returns the configuration as it is after this write, or `undefined` when the project has gone
   */
  async save(projectId: ProjectId, credentials: readonly SealedCredential[], now: Date): Promise<StripeConfig | undefined> {
    return this.database.engine === 'postgres'
      ? this.#saveOnPostgres(projectId, credentials, now)
      : this.#saveOnSqlite(projectId, credentials, now);
  }

  async #saveOnPostgres(projectId: ProjectId, credentials: readonly SealedCredential[], now: Date): Promise<StripeConfig | undefined> {
    const values = [projectId, randomUUID(), now, credentials.length > 0, JSON.stringify(credentials)];
    const rows = await this.database.query(statements.SAVE_ON_POSTGRES, values);
    const saved = toConfig(rows);
    if (!saved) return undefined;
    const expectedVersion = (rows[0]?.seen_version ?? 0) + (credentials.length > 0 ? 1 : 0);
    if (saved.version === expectedVersion) return saved;
    const current = await this.findByProject(projectId);
    // Deleted in between: what this write made of it is the better answer than what came after.
    return current?.isActive ? current : saved;
  }

  async #saveOnSqlite(projectId: ProjectId, credentials: readonly SealedCredential[], now: Date): Promise<StripeConfig | undefined> {
    return this.database.transaction(function* () {
      const values = [projectId, randomUUID(), now, credentials.length > 0];
      const saved = yield* run(statements.UPSERT_CONFIG_ON_SQLITE, values);
      if (saved.length === 0) return undefined;
      if (credentials.length > 0) yield* run(statements.UPSERT_CREDENTIALS_ON_SQLITE, [projectId, now, JSON.stringify(credentials)]);
      return toConfig(yield* run(statements.FIND, [projectId]));
    });
  }

  /** Deactivates the configuration and destroys its credentials. @returns whether there ever was a configuration */
  async remove(projectId: ProjectId, now: Date): Promise<boolean> {
    const { engine } = this.database;
    return this.database.transaction(() => removal(engine, projectId, now));
  }

  /** The same inside the transaction that deletes the project. */
  *removeWithProject(projectId: ProjectId, now: Date): Transaction<void> {
    yield* removal(this.database.engine, projectId, now);
  }

  /** Destroys the credentials of one mode. @returns whether there ever was a configuration */
  async removeMode(projectId: ProjectId, mode: StripeMode, now: Date): Promise<boolean> {
    return this.#destroy(projectId, () => run(statements.DELETE_MODE, [projectId, mode]), now);
  }

  /**
   * Stores a webhook secret and what `record` writes, if the secret key with `keyFingerprint` is in use and `record` agrees.
   * @returns whether it did
   */
  async saveWebhookSecret(
    projectId: ProjectId,
    { mode, kind, sealed, keyId, mask, fingerprint, accountFingerprint, looksCutOff }: SealedCredential,
    keyFingerprint: string,
    record: () => Transaction<boolean>,
    now: Date,
  ): Promise<boolean> {
    const { engine } = this.database;
    const columns = [projectId, mode, kind, 0, sealed, keyId, mask, fingerprint, accountFingerprint, looksCutOff, now];
    return this.database.transaction(function* () {
      yield* run(statements.LOCK, [projectId]);
      const inUse = yield* run(statements.IS_SECRET_KEY, [projectId, mode, keyFingerprint]);
      if (inUse.length === 0 || !(yield* record())) return false;
      yield* run(statements.UPSERT_CREDENTIAL, columns);
      yield* run(statements.RAISE_VERSION, [projectId, now]);
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
      return yield* run(statements.DELETE_WEBHOOK_SECRET, [projectId, mode, fingerprint]);
    };
    await this.#destroy(projectId, deletion, now);
  }

  /** @param deletion answers a row for each credential that it destroyed */
  async #destroy(projectId: ProjectId, deletion: () => Transaction<unknown[]>, now: Date): Promise<boolean> {
    const { engine } = this.database;
    return this.database.transaction(function* () {
      const locked = yield* run(statements.LOCK, [projectId]);
      if (locked.length === 0) return false;
      const deleted = yield* deletion();
      if (deleted.length === 0) return true;
      yield* run(statements.RAISE_VERSION, [projectId, now]);
      yield* notifyOthers(engine, projectId);
      return true;
    });
  }
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

function toConfig(rows: JoinedRow[]): StripeConfig | undefined {
  const [config] = rows;
  if (!config) return undefined;
  return {
    id: config.id,
    projectId: config.project_id,
    isActive: Boolean(config.is_active),
    version: config.version,
    createdAt: toTimestamp(config.created_at),
    updatedAt: toTimestamp(config.updated_at),
    credentials: rows.flatMap((row) =>
      row.mode === null
        ? []
        : [
            {
              mode: row.mode,
              kind: row.kind,
              mask: row.mask,
              fingerprint: row.fingerprint,
              accountFingerprint: row.account_fingerprint,
              replacedAccountFingerprint: row.replaced_account_fingerprint,
              looksCutOff: Boolean(row.looks_cut_off),
              writtenAt: toTimestamp(row.written_at),
            },
          ],
    ),
  };
}
