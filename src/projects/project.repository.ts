import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { HistoryField } from '../history/history-entry.js';
import type { HistoryChain } from '../history/history-trail.js';
import { HistoryTrail } from '../history/history-trail.js';
import { accountGone, invalidToken } from '../auth/auth.errors.js';
import { AccountStandings } from '../auth/tokens/ended-sessions.js';
import type { Reader } from '../auth/caller.js';
import type { Actor } from '../common/actor.js';
import { DataSource, type Repository } from 'typeorm';
import type { OwnerId, ProjectId } from '../common/ids.js';
import { columnValues, type RowOf } from '../database/columns.js';
import { Database, query, toTimestamp, type Steps } from '../database/database.js';
import { reachingDatabase } from '../database/database-errors.js';
import { roleOfNonMember } from './members/project-roles.js';
import { readingOf } from './members/readable-projects.js';
import type { Project, ProjectChanges, ProjectWithRole } from './project.entity.js';
import { ProjectEntity, searchNameOf } from './project.entity.js';
import { ADD, FIND_ANY, FIND_LIVE, HIDE, LIST_READABLE, UPDATE } from './project.statements.js';

@Injectable()
export class ProjectRepository {
  readonly #entities: Repository<ProjectEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
    private readonly history: HistoryTrail,
    private readonly accounts: AccountStandings,
  ) {
    this.#entities = dataSource.getRepository(ProjectEntity);
  }

  async findLive(id: ProjectId): Promise<Project | undefined> {
    const [row] = await this.database.query(FIND_LIVE, [id]);
    return row && toProject(row);
  }

  /** The projects in which the reader has a role, newest first. */
  async listReadable(reader: Reader, { limit, offset }: Page): Promise<ProjectWithRole[]> {
    const { reach, key } = readingOf(reader);
    const rows = await this.database.query(LIST_READABLE[reach], [limit, offset, ...key]);
    return rows.flatMap((row) => {
      const role = row.role ?? roleOfNonMember(reader, row);
      return role ? [{ ...toProject(row), role }] : [];
    });
  }

  async add(
    ownerId: OwnerId,
    name: string,
    description: string | null,
    actor: Actor,
    at: Date,
  ): Promise<ProjectId> {
    const id = randomUUID() as ProjectId;
    await this.database.transaction(() => this.#add({ id, ownerId, name, description }, actor, at));
    return id;
  }

  /**
   * Makes sure that a project exists, with this owner and name.
   * @returns `undefined` if another owner has it, or if it was deleted
   * @throws DomainError `account_gone`
   */
  provision(project: ProvisionedProject, actor: Actor, at: Date): Promise<Provisioned | undefined> {
    return this.database.transaction(() => this.#provision(project, actor, at));
  }

  /** @returns the updated project, or `undefined` if it was deleted */
  update(id: ProjectId, changes: ProjectChanges, actor: Actor, at: Date): Promise<Project | undefined> {
    return this.database.transaction(() => this.#update(id, changes, actor, at));
  }

  /** Marks the project as deleted and runs `cleanup` in one transaction. @returns whether it was live */
  hide(
    id: ProjectId,
    actor: Actor,
    at: Date,
    cleanup: (chain: HistoryChain) => Steps<void>,
  ): Promise<boolean> {
    return this.database.transaction(() => this.#hide(id, actor, at, cleanup));
  }

  /** Whether no project was ever created. */
  async isEmpty(): Promise<boolean> {
    return !(await reachingDatabase(this.#entities.existsBy({})));
  }

  *#provision(project: ProvisionedProject, actor: Actor, at: Date): Steps<Provisioned | undefined> {
    const chain = yield* this.history.lockChain(project.id);
    return yield* this.provisionWithin(chain, project, actor, at);
  }

  *#add(project: NewProject, actor: Actor, at: Date): Steps<void> {
    const chain = yield* this.history.lockChain(project.id);
    if (yield* this.accounts.isLockedOut(project.ownerId))
      throw invalidToken('The account of this access token was revoked.');
    yield* this.#insert(chain, project, actor, at);
  }

  *#insert(chain: HistoryChain, project: NewProject, actor: Actor, at: Date): Steps<RowOf<ProjectEntity>> {
    const { name, description } = project;
    const row = {
      ...project,
      searchName: searchNameOf(name),
      createdAt: at,
      updatedAt: at,
      health: 'unconfigured' as const,
      problems: null,
      gatewayPaused: false,
      deletedAt: null,
    };
    yield* query(ADD, columnValues(ProjectEntity, row));
    const details = { fields: fieldsIn({ name, description }) };
    yield* chain.append({ action: 'project.created', details, actor, at });
    return row;
  }

  /** `provision` inside a transaction that has locked the project's chain. */
  *provisionWithin(
    chain: HistoryChain,
    { id, ownerId, name }: ProvisionedProject,
    actor: Actor,
    at: Date,
  ): Steps<Provisioned | undefined> {
    const [found] = yield* query(FIND_ANY, [id]);
    if (isTaken(found, ownerId)) return undefined;
    if (found?.name === name) return { project: found, change: undefined };
    if (!found) {
      if (yield* this.accounts.isLockedOut(ownerId)) throw accountGone();
      const project = { id, ownerId, name, description: null };
      return { project: yield* this.#insert(chain, project, actor, at), change: 'created' };
    }
    const [renamed] = yield* query(UPDATE, [id, name, searchNameOf(name), null, at]);
    const details = { fields: fieldsIn({ name }) };
    yield* chain.append({ action: 'project.updated', details, actor, at });
    return renamed && { project: renamed, change: 'renamed' };
  }

  *#update(id: ProjectId, changes: ProjectChanges, actor: Actor, at: Date): Steps<Project | undefined> {
    const chain = yield* this.history.lockChain(id);
    const [found] = yield* query(FIND_LIVE, [id]);
    if (!found) return undefined;
    const name = changes.name === found.name ? null : (changes.name ?? null);
    const description = changes.description === found.description ? null : (changes.description ?? null);
    const fields = fieldsIn({ name, description });
    if (fields.length === 0) return toProject(found);
    const [row] = yield* query(UPDATE, [
      id,
      name,
      name === null ? null : searchNameOf(name),
      description,
      at,
    ]);
    if (!row) return undefined;
    yield* chain.append({ action: 'project.updated', details: { fields }, actor, at });
    return toProject(row);
  }

  *#hide(
    id: ProjectId,
    actor: Actor,
    at: Date,
    cleanup: (chain: HistoryChain) => Steps<void>,
  ): Steps<boolean> {
    const chain = yield* this.history.lockChain(id);
    const hidden = yield* query(HIDE, [id, at]);
    if (hidden.length === 0) return false;
    yield* cleanup(chain);
    yield* chain.append({ action: 'project.deleted', details: {}, actor, at });
    return true;
  }
}

export interface Page {
  readonly limit: number;
  readonly offset: number;
}

type NewProject = Pick<Project, 'id' | 'ownerId' | 'name' | 'description'>;

/** A project whose id the platform chose. */
export type ProvisionedProject = Pick<Project, 'id' | 'ownerId' | 'name'>;

export interface Provisioned {
  readonly project: RowOf<ProjectEntity>;
  readonly change: 'created' | 'renamed' | undefined;
}

/** Whether a project can't be provisioned for the owner: it is another owner's, or was deleted. */
export function isTaken(found: RowOf<ProjectEntity> | undefined, ownerId: OwnerId): boolean {
  return found !== undefined && (found.deletedAt !== null || found.ownerId !== ownerId);
}

/** Names of the given fields. */
function fieldsIn(changes: ProjectChanges): HistoryField[] {
  return (['name', 'description'] as const)
    .filter((field) => typeof changes[field] === 'string')
    .map((field) => ({ field }));
}

export function toProject(row: RowOf<ProjectEntity>): Project {
  const { id, ownerId, name, description, gatewayPaused, createdAt, updatedAt } = row;
  return {
    id,
    ownerId,
    name,
    description,
    gatewayPaused,
    createdAt: toTimestamp(createdAt),
    updatedAt: toTimestamp(updatedAt),
  };
}
