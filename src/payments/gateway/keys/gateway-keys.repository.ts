import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, In, type Repository } from 'typeorm';
import { OpaqueKeyEntity } from '../../../auth/opaque-keys/opaque-key.entity.js';
import type { KeyRotation } from '../../../auth/opaque-keys/opaque-key.dto.js';
import { factsOf, OpaqueKeys } from '../../../auth/opaque-keys/opaque-keys.js';
import type { Actor } from '../../../common/actor.js';
import { DomainError } from '../../../common/errors.js';
import type { ProjectId } from '../../../common/ids.js';
import { columnValues } from '../../../database/columns.js';
import { reachingDatabase } from '../../../database/database-errors.js';
import { Database, exec, query, type Steps } from '../../../database/database.js';
import { HistoryTrail } from '../../../history/history-trail.js';
import { FIND_LIVE } from '../../../projects/project.statements.js';
import { projectNotFound } from '../../../projects/projects.service.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import {
  changedFields,
  columnsOf,
  detailsOf,
  type GatewayKey,
  type GatewayKeyChanges,
  type IssuedGatewayKey,
  kindOf,
  type ListedGatewayKey,
  type NewGatewayKey,
  toGatewayKey,
  type UsedGatewayKey,
} from './gateway-key.js';
import { GatewayKeyEntity } from './gateway-key.entity.js';
import {
  ADD,
  CHANGE,
  COUNT,
  DELETE,
  DELETE_USAGE,
  FIND,
  FIND_HOLDER,
  KEYS_OF_PROJECT,
  PAUSE_PROJECT,
} from './gateway-keys.statements.js';

/** Maximum number of keys of one project, since the list has no pages. */
const MOST_KEYS = 100;

/** Stores gateway keys. Each change is in the history of the project. */
@Injectable()
export class GatewayKeysRepository {
  readonly #rows: Repository<GatewayKeyEntity>;
  readonly #keys: Repository<OpaqueKeyEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly keys: OpaqueKeys,
  ) {
    this.#rows = dataSource.getRepository(GatewayKeyEntity);
    this.#keys = dataSource.getRepository(OpaqueKeyEntity);
  }

  /** @returns `undefined` if the project was deleted */
  async findHolder(id: string): Promise<UsedGatewayKey | undefined> {
    const [row] = await this.database.query(FIND_HOLDER, [id]);
    return row && { ...toGatewayKey(row), projectPaused: row.gatewayPaused };
  }

  /** The oldest first. */
  async list(projectId: ProjectId): Promise<ListedGatewayKey[]> {
    const rows = await reachingDatabase(
      this.#rows.find({ where: { projectId }, order: { createdAt: 'ASC', id: 'ASC' } }),
    );
    const holderId = In(rows.map(({ id }) => id));
    const keys = await reachingDatabase(
      this.#keys.find({ where: { holderId }, order: { createdAt: 'DESC' } }),
    );
    return rows.map((row) => ({
      ...toGatewayKey(row),
      ...factsOf(keys.filter((key) => key.holderId === row.id)),
    }));
  }

  /** @throws DomainError `gateway_key_not_found` */
  async assertExists(projectId: ProjectId, id: string): Promise<void> {
    if (!(await reachingDatabase(this.#rows.existsBy({ id, projectId })))) throw notFound();
  }

  /** @throws DomainError `project_not_found`, `too_many_gateway_keys` */
  add(projectId: ProjectId, key: NewGatewayKey, actor: Actor): Promise<IssuedGatewayKey> {
    return this.database.transaction(() => this.#add(projectId, key, actor));
  }

  /** @throws DomainError `gateway_key_not_found` */
  change(
    projectId: ProjectId,
    id: string,
    changes: GatewayKeyChanges,
    actor: Actor,
  ): Promise<ListedGatewayKey> {
    return this.database.transaction(() => this.#change(projectId, id, changes, actor));
  }

  /** @throws DomainError `gateway_key_not_found`, `gateway_key_expired` */
  rotate(projectId: ProjectId, id: string, rotation: KeyRotation, actor: Actor): Promise<IssuedGatewayKey> {
    return this.database.transaction(() => this.#rotate(projectId, id, rotation, actor));
  }

  /** @throws DomainError `gateway_key_not_found` */
  revoke(projectId: ProjectId, id: string, actor: Actor): Promise<void> {
    return this.database.transaction(() => this.#revoke(projectId, id, actor));
  }

  /** Pauses or resumes all keys of a project. @returns their ids @throws DomainError `project_not_found` */
  pauseProject(projectId: ProjectId, paused: boolean, actor: Actor): Promise<string[]> {
    return this.database.transaction(() => this.#pauseProject(projectId, paused, actor));
  }

  /** Runs inside the transaction that deletes the project. @returns the ids of the keys */
  *revokeOfProject(projectId: ProjectId): Steps<string[]> {
    const keys = yield* query(KEYS_OF_PROJECT, [projectId]);
    for (const { id, mode } of keys) yield* this.#delete(id, mode);
    return keys.map(({ id }) => id);
  }

  *#add(
    projectId: ProjectId,
    { mode, name, permissions, accounts, expiresAt, networks }: NewGatewayKey,
    actor: Actor,
  ): Steps<IssuedGatewayKey> {
    const chain = yield* this.history.lockChain(projectId);
    if ((yield* query(FIND_LIVE, [projectId])).length === 0) throw projectNotFound();
    const [{ count } = { count: 0 }] = yield* query(COUNT, [projectId]);
    if (count >= MOST_KEYS) throw tooManyKeys();
    const createdAt = new Date();
    const added = {
      id: randomUUID(),
      projectId,
      mode,
      name,
      permissions,
      accounts,
      paused: false,
      createdAt,
    };
    yield* exec(ADD, columnValues(GatewayKeyEntity, { ...added, ...columnsOf(added) }));
    const key = yield* this.keys.issue(kindOf(mode), added.id, { expiresAt, networks });
    const details = { ...detailsOf(added), permissions, ...(accounts.length > 0 && { accounts }) };
    yield* chain.append({ action: 'gateway_key.created', details, actor, at: createdAt });
    return { gatewayKey: yield* this.#withFacts(added), key };
  }

  *#change(
    projectId: ProjectId,
    id: string,
    { networks, ...changes }: GatewayKeyChanges,
    actor: Actor,
  ): Steps<ListedGatewayKey> {
    const chain = yield* this.history.lockChain(projectId);
    const before = yield* this.#withFacts(yield* this.#find(projectId, id));
    const after = { ...before, ...changes };
    const changed = changedFields(before, { ...after, networks: networks ?? before.networks });
    if (changed.length === 0) return before;
    const { permissions, accounts } = columnsOf(after);
    yield* exec(CHANGE, [id, after.name, permissions, accounts, after.paused]);
    if (networks) yield* this.keys.restrict(kindOf(before.mode), id, networks);
    yield* this.keys.notify(id);
    const fields = changed.map((field) => ({ field }));
    const details = { ...detailsOf(after), fields, ...changes, ...(networks && { networks }) };
    yield* chain.append({ action: 'gateway_key.updated', details, actor, at: new Date() });
    return yield* this.#withFacts(after);
  }

  *#rotate(
    projectId: ProjectId,
    id: string,
    { graceMs, expiresAt }: KeyRotation,
    actor: Actor,
  ): Steps<IssuedGatewayKey> {
    const chain = yield* this.history.lockChain(projectId);
    const found = yield* this.#find(projectId, id);
    const [newest] = yield* this.keys.ofHolder(kindOf(found.mode), id);
    const end = expiresAt ?? newest?.expiresAt ?? null;
    if (end && end.getTime() <= Date.now()) throw expired();
    const key = yield* this.keys.rotate(kindOf(found.mode), id, { graceMs, expiresAt: end });
    if (key === undefined) throw notFound();
    const details = detailsOf(found);
    yield* chain.append({ action: 'gateway_key.rotated', details, actor, at: new Date() });
    return { gatewayKey: yield* this.#withFacts(found), key };
  }

  *#revoke(projectId: ProjectId, id: string, actor: Actor): Steps<void> {
    const chain = yield* this.history.lockChain(projectId);
    const found = yield* this.#find(projectId, id);
    yield* this.#delete(id, found.mode);
    const details = detailsOf(found);
    yield* chain.append({ action: 'gateway_key.revoked', details, actor, at: new Date() });
  }

  *#pauseProject(projectId: ProjectId, paused: boolean, actor: Actor): Steps<string[]> {
    const chain = yield* this.history.lockChain(projectId);
    if ((yield* query(FIND_LIVE, [projectId])).length === 0) throw projectNotFound();
    if ((yield* query(PAUSE_PROJECT, [projectId, paused])).length === 0) return [];
    const keys = yield* query(KEYS_OF_PROJECT, [projectId]);
    for (const { id } of keys) yield* this.keys.notify(id);
    const action = paused ? 'gateway.paused' : 'gateway.resumed';
    yield* chain.append({ action, details: {}, actor, at: new Date() });
    return keys.map(({ id }) => id);
  }

  *#delete(id: string, mode: StripeMode): Steps<void> {
    yield* exec(DELETE_USAGE, [id]);
    yield* exec(DELETE, [id]);
    yield* this.keys.revoke(kindOf(mode), id);
  }

  *#find(projectId: ProjectId, id: string): Steps<GatewayKey> {
    const [row] = yield* query(FIND, [id, projectId]);
    if (!row) throw notFound();
    return toGatewayKey(row);
  }

  *#withFacts(key: GatewayKey): Steps<ListedGatewayKey> {
    return { ...key, ...factsOf(yield* this.keys.ofHolder(kindOf(key.mode), key.id)) };
  }
}

function notFound(): DomainError {
  return new DomainError('gateway_key_not_found', 'There is no gateway key with this id.');
}

function expired(): DomainError {
  return new DomainError(
    'gateway_key_expired',
    'The gateway key has expired: send a later expires_at with the rotation.',
  );
}

function tooManyKeys(): DomainError {
  return new DomainError(
    'too_many_gateway_keys',
    `The project has ${MOST_KEYS} gateway keys, which is the most: revoke one first.`,
  );
}
