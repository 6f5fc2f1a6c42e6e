import { Injectable } from '@nestjs/common';
import type { AuditChain } from '../../audit/audit-chain.js';
import { AuditTrail } from '../../audit/audit-trail.js';
import { headIn } from '../../audit/audit.statements.js';
import type { Actor } from '../../common/actor.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { Database, type Engine, query, type Steps } from '../../database/database.js';
import { Gathered } from '../../database/gathered.js';
import { toConfig, toCredentials } from './config-row.js';
import { auditFields, destroyedBy, destroyedDetails, formerEnded } from './config-events.js';
import { afterSave, givenSave, saveInSteps, toState } from './config-write.js';
import type { StripeMode } from './credential-rules.js';
import { assertCondition, type ConfigState, type Precondition } from './precondition.js';
import type { ConfigSave, EndpointChange, SealedCredential, SeenConfig, StripeConfig } from './stripe-config.js';
import * as statements from './stripe-config.statements.js';
import * as secrets from './webhook-secret.statements.js';

export interface OwnedConfig {
  readonly ownerId: OwnerId;
  readonly config: StripeConfig | undefined;
}

@Injectable()
export class StripeConfigRepository {
  /** On PostgreSQL. */
  readonly #seen = new Gathered((ids: ProjectId[]) => this.#findAllSeen(ids));
  readonly #saves = new Gathered((saves: statements.GivenSave[]) => this.#saveAll(saves));

  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {}

  async findByProject(projectId: ProjectId): Promise<StripeConfig | undefined> {
    const [row] = await this.database.query(statements.FIND[this.database.engine], [projectId]);
    return row && toConfig(row);
  }

  /** A live project's owner and configuration in one query. @returns `undefined` when there is no such project */
  async findWithOwner(projectId: ProjectId): Promise<OwnedConfig | undefined> {
    const [row] = await this.database.query(statements.FIND_WITH_OWNER[this.database.engine], [projectId]);
    return row && { ownerId: row.owner_id, config: row.id === null ? undefined : toConfig(row) };
  }

  /** For a write. @returns `undefined` when there is no such project */
  async findSeen(id: ProjectId): Promise<SeenConfig | undefined> {
    return this.database.engine === 'postgres'
      ? this.#seen.run(id)
      : toSeen((await this.database.query(statements.FIND_SEEN.sqlite, [id]))[0]);
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
   * Creates or updates the configuration of a live project and replaces the given credentials, all or nothing: concurrent partial
   * updates all win.
   * @returns the configuration as it is after this write
   * @throws DomainError `project_not_found`, `precondition_failed`
   */
  async save(save: ConfigSave): Promise<StripeConfig | undefined> {
    const { engine } = this.database;
    const { seen } = save;
    const given = engine === 'postgres' && seen ? givenSave(this.audit, save, seen) : undefined;
    const saved = given && (await this.#saves.run(given));
    return saved && seen ? afterSave(saved, seen.credentials) : this.database.transaction(() => saveInSteps(engine, this.audit, save));
  }

  /**
   * Deactivates the configuration and destroys its credentials.
   * @returns whether there ever was a configuration
   * @throws DomainError `precondition_failed`
   */
  async remove(projectId: ProjectId, precondition: Precondition, actor: Actor, now: Date): Promise<boolean> {
    const { audit, database } = this;
    return database.transaction(function* () {
      const chain = yield* audit.open(projectId);
      const state = yield* findState(projectId);
      if (!state) return false;
      assertCondition(precondition, state);
      yield* removal(database.engine, projectId, state, chain, actor, now);
      return true;
    });
  }

  /** The same inside the transaction that deletes the project. */
  *removeWithProject(projectId: ProjectId, chain: AuditChain, actor: Actor, now: Date): Steps<void> {
    const state = yield* findState(projectId);
    if (state) yield* removal(this.database.engine, projectId, state, chain, actor, now);
  }

  /** Destroys the credentials of one mode; otherwise as `remove`. */
  async removeMode(projectId: ProjectId, mode: StripeMode, precondition: Precondition, actor: Actor, at: Date): Promise<boolean> {
    return this.#change(projectId, precondition, at, function* (chain, version) {
      const destroyed = yield* query(statements.DELETE_MODE, [projectId, mode]);
      if (destroyed.length === 0) return false;
      yield* chain.append({ action: 'config.mode_deleted', details: { mode, version, ...destroyedDetails(destroyed) }, actor, at });
      return true;
    });
  }

  /**
   * Stores a webhook secret and what `change` writes, if the secret key with `keyFingerprint` is in use and `change` agrees.
   * @returns whether it did
   */
  async saveWebhookSecret(
    projectId: ProjectId,
    secret: SealedCredential,
    keyFingerprint: string,
    formerValidUntil: Date,
    { endpointId: endpoint, actor, write }: EndpointChange,
    at: Date,
  ): Promise<boolean> {
    const { mode, kind, sealed, keyId, mask, fingerprint, looksCutOff } = secret;
    let isSaved = false;
    await this.#change(projectId, {}, at, function* (chain, version) {
      const [key] = yield* query(statements.IS_SECRET_KEY, [projectId, mode, keyFingerprint]);
      if (!key || !(yield* write())) return false;
      // A secret names no account by itself; the endpoint is in that of the key that made it.
      const columns = [projectId, mode, kind, 0, sealed, keyId, mask, fingerprint, key.account_fingerprint, looksCutOff, at];
      const noFormerIn = formerValidUntil <= at ? [mode] : [];
      const destroyed = destroyedBy([secret], noFormerIn, yield* query(secrets.FIND_KEPT, [projectId]));
      yield* query(secrets.KEEP_FORMER, [projectId, formerValidUntil, mode, fingerprint]);
      yield* query(statements.UPSERT_CREDENTIAL, columns);
      yield* query(statements.SET_MADE_WITH, [projectId, mode, keyFingerprint]);
      if (noFormerIn.length > 0) yield* query(secrets.DELETE_FORMER, [projectId, mode]);
      const details = { mode, version, endpoint, fields: auditFields([secret]), ...formerEnded(destroyed) };
      yield* chain.append({ action: 'webhook_endpoint.created', details, actor, at });
      return (isSaved = true);
    });
    return isSaved;
  }

  /** Destroys the webhook secret of one mode, if it still has this fingerprint, and what `change` deletes. */
  async removeWebhookSecret(
    projectId: ProjectId,
    mode: StripeMode,
    fingerprint: string,
    { endpointId: endpoint, actor, write }: EndpointChange,
    at: Date,
  ): Promise<void> {
    await this.#change(projectId, {}, at, function* (chain, version) {
      const isForgotten = yield* write();
      const destroyed = yield* query(secrets.DELETE_WEBHOOK_SECRET, [projectId, mode, fingerprint]);
      const isDestroyed = destroyed.length > 0;
      const details = { mode, endpoint, ...(isDestroyed && { version, ...destroyedDetails(destroyed) }) };
      if (isForgotten || isDestroyed) yield* chain.append({ action: 'webhook_endpoint.removed', details, actor, at });
      return isDestroyed;
    });
  }

  /**
   * @param change gets the version that follows, and answers whether it changed the configuration
   * @returns whether there ever was a configuration
   */
  async #change(
    projectId: ProjectId,
    precondition: Precondition,
    now: Date,
    change: (chain: AuditChain, version: number) => Steps<boolean>,
  ): Promise<boolean> {
    const { audit, database } = this;
    return database.transaction(function* () {
      const chain = yield* audit.open(projectId);
      const state = yield* findState(projectId);
      if (!state) return false;
      assertCondition(precondition, state);
      if (!(yield* change(chain, state.version + 1))) return true;
      yield* query(statements.RAISE_VERSION, [projectId, now]);
      yield* notifyOthers(database.engine, projectId);
      return true;
    });
  }

  async #findAllSeen(ids: ProjectId[]): Promise<(SeenConfig | undefined)[]> {
    const rows = await this.database.query(statements.FIND_SEEN.postgres, [`{${ids.join()}}`]);
    const seen = new Map(rows.map((row) => [row.id, toSeen(row)]));
    return ids.map((id) => seen.get(id));
  }

  async #saveAll(saves: statements.GivenSave[]): Promise<(statements.SavedRow | undefined)[]> {
    const rows = await this.database.query(statements.SAVE_ON_POSTGRES, [JSON.stringify(saves)]);
    const saved = new Map(rows.map((row) => [row.new_id, row]));
    return saves.map(({ new_id: id }) => saved.get(id));
  }
}

function toSeen(row: statements.SeenRow | undefined): SeenConfig | undefined {
  if (!row) return undefined;
  const { id, owner_id: ownerId, credentials } = row;
  return { id, ownerId, state: toState(row), head: headIn(row), credentials: toCredentials(credentials) };
}

function* findState(projectId: ProjectId): Steps<ConfigState> {
  const [row] = yield* query(statements.FIND_STATE, [projectId]);
  return row && toState(row);
}

function* removal(
  engine: Engine,
  projectId: ProjectId,
  { isActive, version }: NonNullable<ConfigState>,
  chain: AuditChain,
  actor: Actor,
  at: Date,
): Steps<void> {
  yield* query(statements.DEACTIVATE, [projectId, at]);
  const destroyed = yield* query(statements.DELETE_CREDENTIALS, [projectId]);
  const details = { version: version + 1, ...destroyedDetails(destroyed) };
  if (isActive) yield* chain.append({ action: 'config.deleted', details, actor, at });
  yield* notifyOthers(engine, projectId);
}

function* notifyOthers(engine: Engine, projectId: ProjectId): Steps<void> {
  if (engine === 'postgres') yield* query(statements.NOTIFY, [projectId]);
}
