import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Actor } from '../../common/actor.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { Settings } from '../../config/settings.js';
import { Mailer } from '../../mail/mailer.js';
import type { GivenRole } from '../permissions/permissions.js';
import type { ProjectWithRole } from '../project.entity.js';
import { ProjectsService } from '../projects.service.js';
import { INVITATION_PAGE } from './invitation-page.controller.js';
import { type Invitation, InvitationsRepository } from './invitations.repository.js';
import { MembersRepository } from './members.repository.js';

/** An invitation with the URL that lets one person join. */
export interface NewInvitation extends Invitation {
  readonly url: string;
  readonly isMailed: boolean;
}

/** Invites people by address, and lets those in who present a token. */
@Injectable()
export class InvitationsService implements OnModuleInit {
  constructor(
    private readonly projects: ProjectsService,
    private readonly members: MembersRepository,
    private readonly invitations: InvitationsRepository,
    private readonly settings: Settings,
    private readonly mailer: Mailer,
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

  /**
   * Mails the invitation too, where mail is set up and the address didn't get too many mails.
   * @throws DomainError `too_many_invitations`, `project_not_found`
   */
  async invite(
    projectId: ProjectId,
    invited: { email: string; role: GivenRole },
    actor: Actor,
  ): Promise<NewInvitation> {
    const options = { actor, mails: this.mailer.isOn };
    const { invitation, token, mayMail } = await this.invitations.create(projectId, invited, options);
    const { publicBaseUrl } = this.settings;
    // Browsers don't send what follows #, so the token reaches no log.
    const url = `${publicBaseUrl}${INVITATION_PAGE}#${token}`;
    if (mayMail) this.mailer.post({ to: invited.email, ...mailOf(invited.role, url) });
    return { ...invitation, url, isMailed: mayMail };
  }

  /** @throws DomainError `invitation_not_found`, `already_member`, `account_gone`, `too_many_members` */
  accept(token: string, subject: OwnerId, actor: Actor): Promise<ProjectWithRole> {
    return this.invitations.accept(token, subject, actor);
  }
}

/** Leaves out the project's name, so that nobody can send a text of their own to a stranger. */
function mailOf(role: GivenRole, url: string): { subject: string; text: string } {
  return {
    subject: 'You are invited to a project',
    text: `Somebody invites you to a project, with the role ${role}. Accept the invitation here:

${url}

It works once, within seven days.

If you don't know why you got this mail, ignore it.
`,
  };
}
