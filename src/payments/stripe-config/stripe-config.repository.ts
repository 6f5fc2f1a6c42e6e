import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { HistoryChain } from '../../history/history-trail.js';
import { HistoryTrail } from '../../history/history-trail.js';
import type { Actor } from '../../common/actor.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { Database, query, exec, type Steps } from '../../database/database.js';
import { projectNotFound } from '../../projects/projects.service.js';
import { historyFields, changesNothing, destroyedDetails, formerEnded, savedEvent } from './config-events.js';
import { toConfig } from './config-row.js';
import type { StripeMode } from '../stripe/stripe-mode.js';
import { assertCondition, type ConfigState, type Precondition } from './precondition.js';
import type {
  ConfigSave,
  ConfigWrite,
  EndpointChange,
  StripeConfig,
  WebhookSecretSave,
} from './stripe-config.js';
import * as statements from './stripe-config.statements.js';
import { WebhookSecretOverlap } from './webhook-secret-overlap.js';
import { DELETE_WEBHOOK_SECRET } from './webhook-secret.statements.js';

/** A live project with its configuration, if it ever had one. */
export interface OwnedConfig {
  readonly id: ProjectId;
  readonly ownerId: OwnerId;
  readonly config: StripeConfig | undefined;
}

/** A project with a configuration, locked until the transaction ends. */
interface Locked {
  readonly chain: HistoryChain;
  readonly state: NonNullable<ConfigState>;
}

@Injectable()
export class StripeConfigRepository {
  constructor(
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly overlap: WebhookSecretOverlap,
  ) {}

  async findByProject(projectId: ProjectId): Promise<StripeConfig | undefined> {
    const [row] = await this.database.query(statements.FIND[this.database.engine], [projectId]);
    return row && toConfig(row);
  }

  /** One query instead of two for the owner check and the configuration. @returns `undefined` when there is no such project */
  async findWithOwner(id: ProjectId): Promise<OwnedConfig | undefined> {
    const [row] = await this.database.query(statements.FIND_WITH_OWNER[this.database.engine], [id]);
    return row && { id, ownerId: row.owner_id, config: row.id === null ? undefined : toConfig(row) };
  }

  /** @returns `undefined` when there is no such project */
  async findSecretKey(projectId: ProjectId, mode: StripeMode): Promise<statements.SecretKeyRow | undefined> {
    const [row] = await this.database.query(statements.FIND_SECRET_KEY, [projectId, mode]);
    return row;
  }

  /**
   * Creates or updates the configuration of a live project and replaces the given credentials, all or nothing: concurrent partial
   * updates all win.
   * @returns the configuration after this write
   * @throws DomainError `project_not_found`, `precondition_failed`
   */
  save(save: ConfigSave): Promise<StripeConfig> {
    return this.database.transaction(() => this.#save(save));
  }

  /**
   * Deactivates the configuration and destroys its credentials.
   * @returns whether there ever was a configuration
   * @throws DomainError `precondition_failed`
   */
  remove(write: ConfigWrite): Promise<boolean> {
    return this.database.transaction(() => this.#remove(write));
  }

  /** Part of the transaction that deletes the project. */
  *removeWithProject(projectId: ProjectId, chain: HistoryChain, actor: Actor, now: Date): Steps<void> {
    const [state] = yield* query(statements.FIND_STATE, [projectId]);
    if (state) yield* this.#destroyAll({ chain, state: toState(state) }, { projectId, actor, now });
  }

  /** Destroys the credentials of one mode; otherwise as `remove`. */
  removeMode(write: ConfigWrite, mode: StripeMode): Promise<boolean> {
    return this.database.transaction(() => this.#removeMode(write, mode));
  }

  /**
   * Stores the webhook secret of an endpoint and what `endpoint` writes, if the secret key with `keyFingerprint` is in use and `endpoint`
   * agrees.
   * @returns whether it did
   */
  saveWebhookSecret(save: WebhookSecretSave): Promise<boolean> {
    return this.database.transaction(() => this.#saveWebhookSecret(save));
  }

  /** Destroys the webhook secret of one mode, if it still has this fingerprint, and what `endpoint` deletes. */
  async removeWebhookSecret(
    projectId: ProjectId,
    mode: StripeMode,
    fingerprint: string,
    endpoint: EndpointChange,
  ): Promise<void> {
    await this.database.transaction(() => this.#removeWebhookSecret(projectId, mode, fingerprint, endpoint));
  }

  *#save(save: ConfigSave): Steps<StripeConfig> {
    const { projectId, precondition, credentials, overlap, now } = save;
    const chain = yield* this.history.lockChain(projectId);
    const [live] = yield* query(statements.FIND_LIVE_STATE, [projectId]);
    if (!live) throw projectNotFound();
    const state = live.version === null ? undefined : toState(live);
    assertCondition(precondition, state);
    const destroyed = yield* this.overlap.prepare(projectId, credentials, overlap);
    if (!changesNothing(save, state) || destroyed.length > 0) {
      yield* exec(statements.UPSERT_CONFIG, [projectId, randomUUID(), now]);
      for (const each of credentials)
        yield* exec(statements.UPSERT_CREDENTIAL, statements.credentialValues(projectId, each, now));
      yield* chain.append(savedEvent(save, state, destroyed));
    }
    const [row] = yield* query(statements.FIND[this.database.engine], [projectId]);
    if (!row) throw projectNotFound();
    return toConfig(row);
  }

  *#remove(write: ConfigWrite): Steps<boolean> {
    const locked = yield* this.#lock(write.projectId, write.precondition);
    if (locked) yield* this.#destroyAll(locked, write);
    return locked !== undefined;
  }

  *#destroyAll(
    { chain, state }: Locked,
    { projectId, actor, now }: Omit<ConfigWrite, 'precondition'>,
  ): Steps<void> {
    yield* exec(statements.DEACTIVATE, [projectId, now]);
    const destroyed = yield* query(statements.DELETE_CREDENTIALS, [projectId]);
    const details = { version: state.version + 1, ...destroyedDetails(destroyed) };
    if (state.isActive) yield* chain.append({ action: 'config.deleted', details, actor, at: now });
    yield* this.#notifyOthers(projectId);
  }

  *#removeMode({ projectId, precondition, actor, now }: ConfigWrite, mode: StripeMode): Steps<boolean> {
    const locked = yield* this.#lock(projectId, precondition);
    if (!locked) return false;
    const destroyed = yield* query(statements.DELETE_MODE, [projectId, mode]);
    if (destroyed.length === 0) return true;
    const version = yield* this.#raiseVersion(locked, projectId, now);
    const details = { mode, version, ...destroyedDetails(destroyed) };
    yield* locked.chain.append({ action: 'config.mode_deleted', details, actor, at: now });
    return true;
  }

  *#saveWebhookSecret({
    projectId,
    secret,
    keyFingerprint,
    overlap,
    endpoint,
    now,
  }: WebhookSecretSave): Steps<boolean> {
    const { mode } = secret;
    const locked = yield* this.#lock(projectId);
    if (!locked) return false;
    const [key] = yield* query(statements.IS_SECRET_KEY, [projectId, mode, keyFingerprint]);
    if (!key || !(yield* endpoint.write())) return false;
    const destroyed = yield* this.overlap.prepare(projectId, [secret], overlap);
    // A secret names no account by itself; the endpoint is in the account of the key that made it.
    const credential = { ...secret, accountFingerprint: key.account_fingerprint };
    yield* exec(statements.UPSERT_CREDENTIAL, statements.credentialValues(projectId, credential, now));
    yield* exec(statements.SET_MADE_WITH, [projectId, mode, keyFingerprint]);
    const version = yield* this.#raiseVersion(locked, projectId, now);
    const details = {
      mode,
      version,
      endpoint: endpoint.endpointId,
      fields: historyFields([secret]),
      ...formerEnded(destroyed),
    };
    yield* locked.chain.append({
      action: 'webhook_endpoint.created',
      details,
      actor: endpoint.actor,
      at: now,
    });
    return true;
  }

  *#removeWebhookSecret(
    projectId: ProjectId,
    mode: StripeMode,
    fingerprint: string,
    endpoint: EndpointChange,
  ): Steps<void> {
    const now = new Date();
    const locked = yield* this.#lock(projectId);
    if (!locked) return;
    const isForgotten = yield* endpoint.write();
    const destroyed = yield* query(DELETE_WEBHOOK_SECRET, [projectId, mode, fingerprint]);
    if (!isForgotten && destroyed.length === 0) return;
    const change =
      destroyed.length > 0
        ? { version: yield* this.#raiseVersion(locked, projectId, now), ...destroyedDetails(destroyed) }
        : {};
    const details = { mode, endpoint: endpoint.endpointId, ...change };
    yield* locked.chain.append({
      action: 'webhook_endpoint.removed',
      details,
      actor: endpoint.actor,
      at: now,
    });
  }

  /** Locks the project. @returns `undefined` when there never was a configuration. @throws DomainError `precondition_failed` */
  *#lock(projectId: ProjectId, precondition: Precondition = {}): Steps<Locked | undefined> {
    const chain = yield* this.history.lockChain(projectId);
    const [row] = yield* query(statements.FIND_STATE, [projectId]);
    if (!row) return undefined;
    const state = toState(row);
    assertCondition(precondition, state);
    return { chain, state };
  }

  /** @returns the new version */
  *#raiseVersion({ state }: Locked, projectId: ProjectId, now: Date): Steps<number> {
    yield* exec(statements.RAISE_VERSION, [projectId, now]);
    yield* this.#notifyOthers(projectId);
    return state.version + 1;
  }

  *#notifyOthers(projectId: ProjectId): Steps<void> {
    if (this.database.engine === 'postgres') yield* query(statements.NOTIFY, [projectId]);
  }
}

function toState({ version, is_active }: statements.StateRow): NonNullable<ConfigState> {
  return { version, isActive: Boolean(is_active) };
}
