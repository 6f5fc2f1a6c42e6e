import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Actor } from '../../common/actor.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { Settings } from '../../config/settings.js';
import type { GivenRole } from '../permissions.js';
import type { ProjectWithRole } from '../project.entity.js';
import { ProjectsService } from '../projects.service.js';
import { type Invitation, InvitationsRepository } from './invitations.repository.js';
import { MembersRepository } from './members.repository.js';

/** An invitation with the URL that lets one person join. */
export interface NewInvitation extends Invitation {
  readonly url: string;
}

/** Invites people by address, and lets those in who present a token. */
@Injectable()
export class InvitationsService implements OnModuleInit {
  constructor(
    private readonly projects: ProjectsService,
    private readonly members: MembersRepository,
    private readonly invitations: InvitationsRepository,
    private readonly settings: Settings,
  ) {}

  onModuleInit(): void {
    const { members, invitations } = this;
    this.projects.deleting.on((projectId) =>
      Promise.resolve({
        *destroy() {
          yield* members.removeAll(projectId);
          yield* invitations.removeAll(projectId);
        },
      }),
    );
  }

  /** @throws DomainError `project_not_found` */
  async invite(
    projectId: ProjectId,
    invited: { email: string; role: GivenRole },
    actor: Actor,
  ): Promise<NewInvitation> {
    const { invitation, token } = await this.invitations.create(projectId, invited, actor);
    // Browsers don't send what follows #, so the token reaches no log.
    return { ...invitation, url: `${this.settings.publicBaseUrl}/console/invitations#${token}` };
  }

  /** @throws DomainError `invitation_not_found`, `already_member` */
  async accept(token: string, subject: OwnerId, actor: Actor): Promise<ProjectWithRole> {
    const { projectId, role } = await this.invitations.accept(token, subject, actor);
    return { ...(await this.projects.get(projectId)), role };
  }
}
