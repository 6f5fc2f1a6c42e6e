import { Injectable } from '@nestjs/common';
import { DomainError } from '../common/errors.js';
import type { OwnerId, ProjectId } from '../common/ids.js';
import type { Transaction } from '../database/database.js';
import type { Project, ProjectChanges } from './project.js';
import { ProjectRepository } from './project.repository.js';

/** Another room that keeps something for a project. */
export interface ProjectDependant {
  /** Runs before the project goes; what it returns runs once it has gone. */
  prepare(projectId: ProjectId): Promise<() => Promise<void>>;
  /** Part of the transaction that hides the project. */
  destroy(projectId: ProjectId, now: Date): Transaction<void>;
}

export function projectNotFound(): DomainError {
  return new DomainError('project_not_found', 'There is no project with this id.');
}

@Injectable()
export class ProjectsService {
  readonly #dependants: ProjectDependant[] = [];

  constructor(private readonly projects: ProjectRepository) {}

  addDependant(dependant: ProjectDependant): void {
    this.#dependants.push(dependant);
  }

  list(ownerId: OwnerId): Promise<Project[]> {
    return this.projects.listByOwner(ownerId);
  }

  create(ownerId: OwnerId, name: string, description: string | null): Promise<ProjectId> {
    return this.projects.add(ownerId, name, description, new Date());
  }

  /** @throws DomainError `project_not_found` when there is none or it was deleted */
  async get(id: ProjectId): Promise<Project> {
    const project = await this.projects.findLive(id);
    if (!project) throw projectNotFound();
    return project;
  }

  /** @throws DomainError `project_not_found` when it was deleted meanwhile */
  async update(project: Project, changes: ProjectChanges): Promise<Project> {
    const { name = null, description = null } = changes;
    if (name === null && description === null) return project;
    const updated = await this.projects.update(project.id, changes, new Date());
    if (!updated) throw projectNotFound();
    return updated;
  }

  /** Hides the project and destroys what other rooms keep for it. @throws DomainError `project_not_found` */
  async delete(id: ProjectId): Promise<void> {
    const now = new Date();
    const dependants = this.#dependants;
    const cleanups = await Promise.all(dependants.map((dependant) => dependant.prepare(id)));
    const hidden = await this.projects.hide(id, now, function* () {
      for (const dependant of dependants) yield* dependant.destroy(id, now);
    });
    if (!hidden) throw projectNotFound();
    await Promise.all(cleanups.map((cleanup) => cleanup()));
  }
}
