import { Injectable } from '@nestjs/common';
import type { Reader } from '../auth/caller.js';
import { A_MODULE, type Actor } from '../common/actor.js';
import { DomainError } from '../common/errors.js';
import type { OwnerId, ProjectId } from '../common/ids.js';
import type { Project, ProjectChanges, ProjectWithRole } from './project.entity.js';
import {
  type Page,
  type Provisioned,
  type ProvisionedProject,
  ProjectRepository,
} from './project.repository.js';
import { RemovalHook, type RemovalPart } from './removal-hook.js';

export function projectNotFound(): DomainError {
  return new DomainError('project_not_found', 'There is no project with this id.');
}

export const PROJECT_TAKEN = 'This id is of a deleted project, or of a project of another owner.';

@Injectable()
export class ProjectsService {
  /** Lets higher modules destroy their data of a project. */
  readonly deleting = new RemovalHook<ProjectId, RemovalPart>();

  constructor(private readonly projects: ProjectRepository) {}

  /** The projects in which the reader has a role, newest first. */
  list(reader: Reader, page: Page): Promise<ProjectWithRole[]> {
    return this.projects.listReadable(reader, page);
  }

  create(
    ownerId: OwnerId,
    name: string,
    description: string | null,
    actor: Actor = A_MODULE,
  ): Promise<ProjectId> {
    return this.projects.add(ownerId, name, description, actor, new Date());
  }

  /**
   * Makes a project under an id that the platform chose, or renames it. Safe to repeat.
   * @throws DomainError `project_taken` if another owner has the id, or if the project was deleted;
   *   `account_gone`
   */
  async provision(project: ProvisionedProject, actor: Actor = A_MODULE): Promise<Provisioned> {
    const provisioned = await this.projects.provision(project, actor, new Date());
    if (!provisioned) throw new DomainError('project_taken', PROJECT_TAKEN);
    return provisioned;
  }

  /** @throws DomainError `project_not_found` */
  async get(id: ProjectId): Promise<Project> {
    const project = await this.projects.findLive(id);
    if (!project) throw projectNotFound();
    return project;
  }

  /** @throws DomainError `project_not_found` if it was deleted meanwhile */
  async update(project: Project, changes: ProjectChanges, actor: Actor = A_MODULE): Promise<Project> {
    const { name = null, description = null } = changes;
    if (name === null && description === null) return project;
    const updated = await this.projects.update(project.id, changes, actor, new Date());
    if (!updated) throw projectNotFound();
    return updated;
  }

  /** Hides the project and destroys its data in other modules. @throws DomainError `project_not_found` */
  async delete(id: ProjectId, actor: Actor = A_MODULE): Promise<void> {
    const now = new Date();
    const { destroy, cleanUp } = await this.deleting.prepare([id], actor);
    if (!(await this.projects.hide(id, actor, now, (chain) => destroy(chain, now)))) throw projectNotFound();
    await cleanUp();
  }
}
