import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { EndUserTokensController } from './end-user-tokens.controller.js';
import { EndUserGuard } from './end-user.guard.js';
import { ProjectOwnerGuard } from './project-owner.guard.js';
import { ProjectRepository } from './project.repository.js';
import { ProjectsController } from './projects.controller.js';
import { ProjectsService } from './projects.service.js';

@Module({
  imports: [AuditModule, AuthModule],
  controllers: [ProjectsController, EndUserTokensController],
  providers: [ProjectsService, ProjectRepository, ProjectOwnerGuard, EndUserGuard],
  exports: [ProjectsService],
})
export class ProjectsModule {}
