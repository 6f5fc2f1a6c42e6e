import { Module } from '@nestjs/common';
import { HistoryModule } from '../history/history.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { MailModule } from '../mail/mailer.js';
import { DeclaredPermissions } from './permissions/declared-permissions.js';
import { EndUserTokensController } from './end-user-tokens.controller.js';
import { EndUserGuard } from './permissions/project.guards.js';
import { PermissionGuard } from './permissions/project.guards.js';
import { ProjectRepository } from './project.repository.js';
import { InvitationPageController } from './members/invitation-page.controller.js';
import { InvitationsController } from './members/invitations.controller.js';
import { InvitationsRepository } from './members/invitations.repository.js';
import { InvitationsService } from './members/invitations.service.js';
import { MembersController } from './members/members.controller.js';
import { MembersRepository } from './members/members.repository.js';
import { MembershipHook } from './members/membership-hook.js';
import { NotificationsController } from './members/notifications.controller.js';
import { NotificationsRepository } from './members/notifications.repository.js';
import { ProjectRoles } from './members/project-roles.js';
import { ProjectsController } from './projects.controller.js';
import { ProjectsService } from './projects.service.js';
import { ReadableProjects } from './members/readable-projects.js';

@Module({
  imports: [HistoryModule, AuthModule, MailModule],
  controllers: [
    ProjectsController,
    MembersController,
    InvitationsController,
    InvitationPageController,
    NotificationsController,
    EndUserTokensController,
  ],
  providers: [
    ProjectsService,
    ProjectRepository,
    ProjectRoles,
    ReadableProjects,
    MembersRepository,
    MembershipHook,
    NotificationsRepository,
    InvitationsRepository,
    InvitationsService,
    PermissionGuard,
    EndUserGuard,
    DeclaredPermissions,
  ],
  exports: [
    ProjectsService,
    ProjectRoles,
    ReadableProjects,
    MembersRepository,
    MembershipHook,
    NotificationsRepository,
  ],
})
export class ProjectsModule {}
