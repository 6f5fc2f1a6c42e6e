import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../../common/actor.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { Database, exec, query, queryLast, type Steps, zip } from '../../database/database.js';
import type { HistoryDetails } from '../../history/history-entry.js';
import { type HistoryChain, HistoryTrail } from '../../history/history-trail.js';
import { projectNotFound } from '../../projects/projects.service.js';
import { EventLog } from '../events/event-log.js';
import type { ProjectMode } from '../stripe/stripe-mode.js';
import type { StripeMode } from '../stripe/stripe-mode.js';
import { CONFIG_CHANNEL } from './config-cache.js';
import type { SealedCredential } from './credential-sealer.js';
import { refreshHealth } from './keys/key-health.statements.js';
import {
  assertCondition,
  type ConfigState,
  type EndpointChange,
  historyFields,
  type Precondition,
  type SaveOptions,
  type StoredCredential,
  type StripeConfig,
} from './stripe-config.js';
import * as statements from './stripe-config.statements.js';
import { type Overlap, WebhookSecretOverlap } from './webhook-secret-overlap.js';

/** A live project with the state of its configuration. */
export interface OwnedConfig {
  readonly id: ProjectId;
  readonly ownerId: OwnerId;
  readonly state: ConfigState;
  /** Whether the configuration has the warning `account_shared`, which other projects cause and end. */
  readonly sharesAccount: boolean;
}

export interface ConfigWrite {
  readonly projectId: ProjectId;
  readonly precondition: Precondition;
  readonly actor: Actor;
  readonly now: Date;
}

export interface ConfigSave extends ConfigWrite {
  readonly credentials: readonly SealedCredential[];
  readonly overlap: Overlap;
  readonly within: SaveOptions['within'];
}

export interface WebhookSecretSave {
  readonly projectId: ProjectId;
  readonly secret: SealedCredential;
  /** Fingerprint of the secret key that created the endpoint. */
  readonly keyFingerprint: string;
  readonly overlap: Overlap;
  readonly endpoint: EndpointChange;
  readonly now: Date;
}

export interface WebhookSecretRemoval extends ProjectMode {
  readonly fingerprint: string;
  readonly endpoint: EndpointChange;
}

/** What a save finds. The chain is locked until the transaction ends. */
interface Found {
  readonly chain: HistoryChain;
  readonly state: ConfigState;
  readonly stored: readonly statements.StoredWebhookSecret[];
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
    private readonly log: EventLog,
  ) {}

  async findByProject(projectId: ProjectId): Promise<StripeConfig | undefined> {
    const [row] = await this.database.query(statements.FIND, [projectId]);
    return row && statements.toConfig(row);
  }

  /** Reads owner and state in one query. @returns `undefined` without a live project */
  async findWithOwner(id: ProjectId): Promise<OwnedConfig | undefined> {
    const [row] = await this.database.query(statements.FIND_WITH_OWNER, [id]);
    return (
      row && {
        id,
        ownerId: row.ownerId,
        state: statements.stateOf(row),
        sharesAccount: row.sharesAccount,
      }
    );
  }

  /** @returns `undefined` without a live project */
  async findSecretKey(projectId: ProjectId, mode: StripeMode) {
    const [row] = await this.database.query(statements.FIND_SECRET_KEY, [projectId, mode]);
    return row;
  }

  /**
   * Creates or updates the configuration of a live project, and replaces the given credentials atomically.
   * Concurrent saves of different fields are all kept.
   * @returns the configuration after the write
   * @throws DomainError `project_not_found`, `precondition_failed`
   */
  save(save: ConfigSave): Promise<StripeConfig> {
    return this.database.transaction(() => this.#save(save));
  }

  /**
   * Deactivates the configuration and destroys its credentials.
   * @returns whether the project ever had a configuration
   * @throws DomainError `precondition_failed`
   */
  remove(write: ConfigWrite): Promise<boolean> {
    return this.database.transaction(() => this.#remove(write));
  }

  /**
   * Stores those of the given credentials that differ from the stored ones, inside a transaction that has locked the
   * chain of a live project. A repeated import therefore writes nothing.
   * @param isNew whether the transaction has made the project, which then has nothing to compare with
   * @returns whether any differed
   */
  *saveDifferences(
    chain: HistoryChain,
    { projectId, credentials, actor, now }: Omit<ConfigSave, 'precondition' | 'overlap' | 'within'>,
    isNew: boolean,
  ): Steps<boolean> {
    const [state, stored, current] = isNew
      ? [undefined, [], []]
      : yield* zip(
          this.#findState(projectId, { isLive: true }),
          this.overlap.lockStored(projectId),
          query(statements.FIND_CURRENT, [projectId]),
        );
    const different = credentials.filter((credential) => !storedAs(credential, current));
    if (different.length === 0) return false;
    const overlap = this.overlap.from(now, different);
    yield* this.#write({ chain, state, stored }, { projectId, credentials: different, overlap, actor, now });
    if (!isNew) yield* this.database.notify(CONFIG_CHANNEL, projectId);
    return true;
  }

  /** Runs inside the transaction that deletes the project. */
  *removeWithProject(projectId: ProjectId, chain: HistoryChain, actor: Actor, now: Date): Steps<void> {
    const state = yield* this.#findState(projectId);
    if (state) yield* this.#destroyAll({ chain, state }, { projectId, actor, now });
  }

  /** Destroys the credentials of one mode; otherwise like `remove`. */
  removeMode(write: ConfigWrite, mode: StripeMode): Promise<boolean> {
    return this.database.transaction(() => this.#removeMode(write, mode));
  }

  /**
   * Stores an endpoint's secret, if the key with `keyFingerprint` is in use and `endpoint.write` agrees.
   * @returns whether it was stored
   */
  saveWebhookSecret(save: WebhookSecretSave): Promise<boolean> {
    return this.database.transaction(() => this.#saveWebhookSecret(save));
  }

  /** Destroys the webhook secret with this fingerprint, and runs `endpoint.write`. */
  async removeWebhookSecret(removal: WebhookSecretRemoval): Promise<void> {
    await this.database.transaction(() => this.#removeWebhookSecret(removal));
  }

  *#save(save: ConfigSave): Steps<StripeConfig> {
    const { projectId, precondition, within } = save;
    const [chain, state, stored] = yield* zip(
      this.history.lockChain(projectId),
      this.#findState(projectId, { isLive: true }),
      this.overlap.lockStored(projectId),
    );
    assertCondition(precondition, state);
    yield* this.#write({ chain, state, stored }, save);
    if (within) yield* within(chain);
    const [row] = yield* queryLast(statements.FIND, [projectId]);
    if (!row) throw new Error('The saved configuration was not found.');
    return statements.toConfig(row);
  }

  *#write({ chain, state, stored }: Found, save: Omit<ConfigSave, 'precondition' | 'within'>): Steps<void> {
    const { projectId, credentials, overlap, actor, now } = save;
    const destroyed = yield* this.overlap.prepare(projectId, stored, credentials, overlap);
    if (credentials.length === 0 && destroyed.length === 0 && state?.isActive) return;
    yield* exec(statements.UPSERT_CONFIG, [projectId, randomUUID(), now]);
    yield* statements.upsertCredentials(projectId, credentials, now);
    if (credentials.some(({ kind }) => kind === 'secret_key')) yield* refreshHealth(projectId);
    const action = state?.isActive ? 'config.updated' : 'config.created';
    const version = (state?.version ?? 0) + 1;
    const details = { version, fields: historyFields(credentials), ...formerEnded(destroyed) };
    yield* chain.append({ action, details, actor, at: now });
    yield* this.#tell('config.updated', projectId, { version, changed: [...credentials, ...destroyed] }, now);
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
    yield* refreshHealth(projectId);
    const details = { version: state.version + 1, ...destroyedDetails(destroyed) };
    if (state.isActive) {
      yield* chain.append({ action: 'config.deleted', details, actor, at: now });
      yield* this.#tell('config.deleted', projectId, { version: details.version, changed: destroyed }, now);
    }
    yield* this.database.notify(CONFIG_CHANNEL, projectId);
  }

  *#removeMode({ projectId, precondition, actor, now }: ConfigWrite, mode: StripeMode): Steps<boolean> {
    const locked = yield* this.#lock(projectId, precondition);
    if (!locked) return false;
    const destroyed = yield* query(statements.DELETE_MODE, [projectId, mode]);
    if (destroyed.length === 0) return true;
    yield* refreshHealth(projectId);
    const version = yield* this.#raiseVersion(locked, projectId, destroyed, now);
    const details = { mode, version, ...destroyedDetails(destroyed) };
    yield* locked.chain.append({ action: 'config.mode_deleted', details, actor, at: now });
    return true;
  }

  *#saveWebhookSecret(save: WebhookSecretSave): Steps<boolean> {
    const { projectId, secret, keyFingerprint, overlap, endpoint, now } = save;
    const { mode } = secret;
    const locked = yield* this.#lock(projectId);
    if (!locked) return false;
    const [key] = yield* query(statements.IS_SECRET_KEY, [projectId, mode, keyFingerprint]);
    if (!key || !(yield* endpoint.write())) return false;
    const stored = yield* this.overlap.lockStored(projectId);
    const destroyed = yield* this.overlap.prepare(projectId, stored, [secret], overlap);
    // A webhook secret doesn't name its account. Its endpoint is in the account of the secret key.
    const credential = { ...secret, ...key };
    yield* statements.upsertCredentials(projectId, [credential], now);
    yield* exec(statements.SET_MADE_WITH, [projectId, mode, keyFingerprint]);
    const version = yield* this.#raiseVersion(locked, projectId, [secret, ...destroyed], now);
    const { endpointId, actor } = endpoint;
    const fields = historyFields([secret]);
    const details = { mode, version, endpoint: endpointId, fields, ...formerEnded(destroyed) };
    yield* locked.chain.append({ action: 'webhook_endpoint.created', details, actor, at: now });
    return true;
  }

  *#removeWebhookSecret({ projectId, mode, fingerprint, endpoint }: WebhookSecretRemoval): Steps<void> {
    const now = new Date();
    const locked = yield* this.#lock(projectId);
    if (!locked) return;
    const isForgotten = yield* endpoint.write();
    const destroyed = yield* query(statements.DELETE_WEBHOOK_SECRET, [projectId, mode, fingerprint]);
    if (!isForgotten && destroyed.length === 0) return;
    const change =
      destroyed.length > 0
        ? {
            version: yield* this.#raiseVersion(locked, projectId, destroyed, now),
            ...destroyedDetails(destroyed),
          }
        : {};
    const { endpointId, actor } = endpoint;
    const details = { mode, endpoint: endpointId, ...change };
    yield* locked.chain.append({ action: 'webhook_endpoint.removed', details, actor, at: now });
  }

  /** Locks the project. @returns `undefined` without a configuration @throws `precondition_failed` */
  *#lock(projectId: ProjectId, precondition: Precondition = {}): Steps<Locked | undefined> {
    const chain = yield* this.history.lockChain(projectId);
    const state = yield* this.#findState(projectId);
    if (!state) return undefined;
    assertCondition(precondition, state);
    return { chain, state };
  }

  /** @throws DomainError `project_not_found` if a live project is required, but missing or deleted */
  *#findState(projectId: ProjectId, { isLive = false } = {}): Steps<ConfigState> {
    const [row] = yield* query(statements.FIND_STATE, [projectId]);
    if (isLive && (!row || row.deletedAt)) throw projectNotFound();
    return row && statements.stateOf(row);
  }

  /** @returns the new version */
  *#raiseVersion(
    { state }: Locked,
    projectId: ProjectId,
    changed: readonly Destroyed[],
    now: Date,
  ): Steps<number> {
    yield* exec(statements.RAISE_VERSION, [projectId, now]);
    yield* this.database.notify(CONFIG_CHANNEL, projectId);
    yield* this.#tell('config.updated', projectId, { version: state.version + 1, changed }, now);
    return state.version + 1;
  }

  *#tell(
    type: 'config.updated' | 'config.deleted',
    projectId: ProjectId,
    { version, changed }: { version: number; changed: readonly Destroyed[] },
    now: Date,
  ): Steps<void> {
    const config = { version, fields: [...new Set(historyFields(changed).map(({ field }) => field))] };
    const [mode = null, other] = new Set(changed.map((each) => each.mode));
    yield* this.log.add(
      type === 'config.updated'
        ? [type, { projectId, mode: other ? null : mode, config }]
        : [type, { projectId, mode: null, config }],
      now,
    );
  }
}

/** @returns the current credential of the field, if it has this value */
export function storedAs<Current extends statements.CurrentCredential>(
  { mode, kind, fingerprint }: statements.CurrentCredential,
  current: readonly Current[],
): Current | undefined {
  return current.find((one) => one.mode === mode && one.kind === kind && one.fingerprint === fingerprint);
}

type Destroyed = Pick<StoredCredential, 'mode' | 'kind' | 'mask'>;

function formerEnded(destroyed: readonly Destroyed[]): Partial<HistoryDetails> {
  return destroyed.length > 0 ? { former_webhook_secrets_ended: historyFields(destroyed) } : {};
}

/** Lists current credentials and former webhook secrets separately. */
function destroyedDetails(destroyed: readonly statements.DestroyedCredential[]): Partial<HistoryDetails> {
  return {
    fields: historyFields(destroyed.filter(({ slot }) => slot === 0)),
    ...formerEnded(destroyed.filter(({ slot }) => slot > 0)),
  };
}
