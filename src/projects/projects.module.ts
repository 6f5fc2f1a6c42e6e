import { Module } from '@nestjs/common';
import { HistoryModule } from '../history/history.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { EndUserTokensController } from './end-user-tokens.controller.js';
import { EndUserGuard } from './project.guards.js';
import { ProjectOwnerGuard } from './project.guards.js';
import { ProjectRepository } from './project.repository.js';
import { ProjectsController } from './projects.controller.js';
import { ProjectsService } from './projects.service.js';

@Module({
  imports: [HistoryModule, AuthModule],
  controllers: [ProjectsController, EndUserTokensController],
  providers: [ProjectsService, ProjectRepository, ProjectOwnerGuard, EndUserGuard],
  exports: [ProjectsService],
})
export class ProjectsModule {}
