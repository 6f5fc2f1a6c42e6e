import { Injectable } from '@nestjs/common';
import type { AuditChain } from '../audit/audit-chain.js';
import { A_MODULE, type Actor } from '../common/actor.js';
import { DomainError } from '../common/errors.js';
import type { OwnerId, ProjectId } from '../common/ids.js';
import type { Steps } from '../database/database.js';
import type { Project, ProjectChanges } from './project.js';
import { ProjectRepository } from './project.repository.js';

/** Another room that keeps something for a project. */
export interface ProjectDependant {
  /** Runs before the project goes; what it returns runs once it has gone. */
  prepare(projectId: ProjectId, actor: Actor): Promise<() => Promise<void>>;
  /** Part of the transaction that hides the project. */
  destroy(projectId: ProjectId, now: Date, chain: AuditChain, actor: Actor): Steps<void>;
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

  create(ownerId: OwnerId, name: string, description: string | null, actor: Actor = A_MODULE): Promise<ProjectId> {
    return this.projects.add(ownerId, name, description, actor, new Date());
  }

  /** @throws DomainError `project_not_found` when there is none or it was deleted */
  async get(id: ProjectId): Promise<Project> {
    const project = await this.projects.findLive(id);
    if (!project) throw projectNotFound();
    return project;
  }

  /** @throws DomainError `project_not_found` when it was deleted meanwhile */
  async update(project: Project, changes: ProjectChanges, actor: Actor = A_MODULE): Promise<Project> {
    const { name = null, description = null } = changes;
    if (name === null && description === null) return project;
    const updated = await this.projects.update(project.id, changes, actor, new Date());
    if (!updated) throw projectNotFound();
    return updated;
  }

  /** Hides the project and destroys what other rooms keep for it. @throws DomainError `project_not_found` */
  async delete(id: ProjectId, actor: Actor = A_MODULE): Promise<void> {
    const now = new Date();
    const dependants = this.#dependants;
    const cleanups = await Promise.all(dependants.map((dependant) => dependant.prepare(id, actor)));
    const hidden = await this.projects.hide(id, actor, now, function* (chain) {
      for (const dependant of dependants) yield* dependant.destroy(id, now, chain, actor);
    });
    if (!hidden) throw projectNotFound();
    await Promise.all(cleanups.map((cleanup) => cleanup()));
  }
}
