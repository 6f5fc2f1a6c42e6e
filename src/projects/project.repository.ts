import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, IsNull, type Repository } from 'typeorm';
import type { OwnerId, ProjectId } from '../common/ids.js';
import { Database, run, sql, toTimestamp, type Transaction } from '../database/database.js';
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

const FIND_LIVE = sql<ProjectRow>('find_live_project', `SELECT ${COLUMNS} FROM projects WHERE id = $1 AND deleted_at IS NULL`);

const UPDATE = sql<ProjectRow>(
  'update_project',
  `UPDATE projects SET name = COALESCE($2, name), description = COALESCE($3, description),
     updated_at = CASE WHEN updated_at > $4 THEN updated_at ELSE $4 END
   WHERE id = $1 AND deleted_at IS NULL RETURNING ${COLUMNS}`,
);

const HIDE = sql<{ id: ProjectId }>(
  'hide_project',
  'UPDATE projects SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL RETURNING id',
);

const ANY = sql<{ id: ProjectId }>('any_project', 'SELECT id FROM projects LIMIT 1');

@Injectable()
export class ProjectRepository {
  readonly #entities: Repository<ProjectEntity>;

  constructor(
    dataSource: DataSource,
    private readonly database: Database,
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

  async add(ownerId: OwnerId, name: string, description: string | null, now: Date): Promise<ProjectId> {
    const id = randomUUID() as ProjectId;
    await reachingDatabase(this.#entities.insert({ id, ownerId, name, description, createdAt: now, updatedAt: now, deletedAt: null }));
    return id;
  }

  /** @returns the project as it is now, or `undefined` when it has gone */
  async update(id: ProjectId, { name, description }: ProjectChanges, now: Date): Promise<Project | undefined> {
    const [row] = await this.database.query(UPDATE, [id, name ?? null, description ?? null, now]);
    return row && toProject(row);
  }

  /** Hides the project for good and runs `cleanup` in the same transaction. @returns whether there was one to hide */
  async hide(id: ProjectId, now: Date, cleanup: () => Transaction<void>): Promise<boolean> {
    return this.database.transaction(function* () {
      const hidden = yield* run(HIDE, [id, now]);
      if (hidden.length === 0) return false;
      yield* cleanup();
      return true;
    });
  }

  /** Whether no project was ever made here. */
  async isEmpty(): Promise<boolean> {
    return (await this.database.query(ANY, [])).length === 0;
  }
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
