import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { HistoryField } from '../history/history-entry.js';
import type { HistoryChain } from '../history/history-trail.js';
import { HistoryTrail } from '../history/history-trail.js';
import type { Actor } from '../common/actor.js';
import { DataSource, type Repository } from 'typeorm';
import type { OwnerId, ProjectId } from '../common/ids.js';
import { columnValues, type RowOf } from '../database/columns.js';
import { Database, query, toTimestamp, type Steps } from '../database/database.js';
import { reachingDatabase } from '../database/database-errors.js';
import type { Project, ProjectChanges, ProjectWithRole } from './project.entity.js';
import { ProjectEntity } from './project.entity.js';
import { ADD, FIND_LIVE, HIDE, LIST_READABLE, UPDATE } from './project.statements.js';

@Injectable()
export class ProjectRepository {
  readonly #entities: Repository<ProjectEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
    private readonly history: HistoryTrail,
  ) {
    this.#entities = dataSource.getRepository(ProjectEntity);
  }

  async findLive(id: ProjectId): Promise<Project | undefined> {
    const [row] = await this.database.query(FIND_LIVE, [id]);
    return row && toProject(row);
  }

  /** The projects in which the subject has a role, newest first. */
  async listReadable(subject: OwnerId): Promise<ProjectWithRole[]> {
    const rows = await this.database.query(LIST_READABLE, [subject]);
    return rows.map((row) => ({ ...toProject(row), role: row.role }));
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

  *#add({ id, ownerId, name, description }: NewProject, actor: Actor, at: Date): Steps<void> {
    const chain = yield* this.history.lockChain(id);
    const row = { id, ownerId, name, description, createdAt: at, updatedAt: at, deletedAt: null };
    yield* query(ADD, columnValues(ProjectEntity, row));
    yield* chain.append({
      action: 'project.created',
      details: { fields: fieldsIn({ name, description }) },
      actor,
      at,
    });
  }

  *#update(id: ProjectId, changes: ProjectChanges, actor: Actor, at: Date): Steps<Project | undefined> {
    const { name = null, description = null } = changes;
    const chain = yield* this.history.lockChain(id);
    const [row] = yield* query(UPDATE, [id, name, description, at]);
    if (!row) return undefined;
    yield* chain.append({ action: 'project.updated', details: { fields: fieldsIn(changes) }, actor, at });
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

type NewProject = Pick<Project, 'id' | 'ownerId' | 'name' | 'description'>;

/** Names of the given fields. */
function fieldsIn(changes: ProjectChanges): HistoryField[] {
  return (['name', 'description'] as const)
    .filter((field) => typeof changes[field] === 'string')
    .map((field) => ({ field }));
}

function toProject({ id, ownerId, name, description, createdAt, updatedAt }: RowOf<ProjectEntity>): Project {
  return {
    id,
    ownerId,
    name,
    description,
    createdAt: toTimestamp(createdAt),
    updatedAt: toTimestamp(updatedAt),
  };
}
