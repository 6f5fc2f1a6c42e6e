import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { AuditField } from '../audit/audit-event.js';
import type { AuditChain } from '../audit/audit-chain.js';
import { AuditTrail } from '../audit/audit-trail.js';
import type { Actor } from '../common/actor.js';
import { DataSource, IsNull, type Repository } from 'typeorm';
import type { OwnerId, ProjectId } from '../common/ids.js';
import { Database, query, sql, toTimestamp, type Steps } from '../database/database.js';
import { reachingDatabase } from '../database/database-errors.js';
import type { Project, ProjectChanges } from './project.js';
import { ProjectEntity } from './project.entity.js';

interface ProjectRow {
  id: ProjectId;
  owner_id: OwnerId;
  name: string;
  description: string | null;
  created_at: Date | string;
  updated_at: Date | string;
}

const COLUMNS = 'id, owner_id, name, description, created_at, updated_at';

const FIND_LIVE = sql<ProjectRow>(`SELECT ${COLUMNS} FROM projects WHERE id = $1 AND deleted_at IS NULL`, 'find_live_project');

const ADD = sql<never>(
  'INSERT INTO projects (id, owner_id, name, description, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)',
  'add_project',
);

const UPDATE = sql<ProjectRow>(
  `UPDATE projects SET name = COALESCE($2, name), description = COALESCE($3, description),
     updated_at = CASE WHEN updated_at > $4 THEN updated_at ELSE $4 END
   WHERE id = $1 AND deleted_at IS NULL RETURNING ${COLUMNS}`,
  'update_project',
);

const HIDE = sql<{ id: ProjectId }>(
  'UPDATE projects SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL RETURNING id',
  'hide_project',
);

const ANY = sql<{ id: ProjectId }>('SELECT id FROM projects LIMIT 1', 'any_project');

@Injectable()
export class ProjectRepository {
  readonly #entities: Repository<ProjectEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {
    this.#entities = dataSource.getRepository(ProjectEntity);
  }

  async findLive(id: ProjectId): Promise<Project | undefined> {
    const [row] = await this.database.query(FIND_LIVE, [id]);
    return row && toProject(row);
  }

  /** Newest first. */
  async listByOwner(ownerId: OwnerId): Promise<Project[]> {
    const entities = await reachingDatabase(
      this.#entities.find({ where: { ownerId, deletedAt: IsNull() }, order: { createdAt: 'DESC', id: 'DESC' } }),
    );
    return entities.map(({ createdAt, updatedAt, ...project }) => ({
      ...project,
      createdAt: toTimestamp(createdAt),
      updatedAt: toTimestamp(updatedAt),
    }));
  }

  async add(ownerId: OwnerId, name: string, description: string | null, actor: Actor, at: Date): Promise<ProjectId> {
    const id = randomUUID() as ProjectId;
    const { audit } = this;
    await this.database.transaction(function* () {
      const chain = yield* audit.open(id);
      yield* query(ADD, [id, ownerId, name, description, at]);
      yield* chain.append({ action: 'project.created', details: { fields: fieldsIn({ name, description }) }, actor, at });
    });
    return id;
  }

  /** @returns the project as it is now, or `undefined` when it has gone */
  async update(id: ProjectId, changes: ProjectChanges, actor: Actor, at: Date): Promise<Project | undefined> {
    const { name = null, description = null } = changes;
    const { audit } = this;
    return this.database.transaction(function* () {
      const chain = yield* audit.open(id);
      const [row] = yield* query(UPDATE, [id, name, description, at]);
      if (!row) return undefined;
      yield* chain.append({ action: 'project.updated', details: { fields: fieldsIn(changes) }, actor, at });
      return toProject(row);
    });
  }

  /** Hides the project for good and runs `cleanup` in the same transaction. @returns whether there was one to hide */
  async hide(id: ProjectId, actor: Actor, at: Date, cleanup: (chain: AuditChain) => Steps<void>): Promise<boolean> {
    const { audit } = this;
    return this.database.transaction(function* () {
      const chain = yield* audit.open(id);
      const hidden = yield* query(HIDE, [id, at]);
      if (hidden.length === 0) return false;
      yield* cleanup(chain);
      yield* chain.append({ action: 'project.deleted', details: {}, actor, at });
      return true;
    });
  }

  /** Whether no project was ever made here. */
  async isEmpty(): Promise<boolean> {
    return (await this.database.query(ANY, [])).length === 0;
  }
}

/** The names of those that are given. */
function fieldsIn(changes: ProjectChanges): AuditField[] {
  return (['name', 'description'] as const).filter((field) => typeof changes[field] === 'string').map((field) => ({ field }));
}

function toProject(row: ProjectRow): Project {
  return {
    id: row.id,
    ownerId: row.owner_id,
    name: row.name,
    description: row.description,
    createdAt: toTimestamp(row.created_at),
    updatedAt: toTimestamp(row.updated_at),
  };
}
