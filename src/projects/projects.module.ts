import { Module } from '@nestjs/common';
import { ProjectOwnerGuard } from './project-owner.guard.js';
import { ProjectRepository } from './project.repository.js';
import { ProjectsController } from './projects.controller.js';
import { ProjectsService } from './projects.service.js';

@Module({
  controllers: [ProjectsController],
  providers: [ProjectsService, ProjectRepository, ProjectOwnerGuard],
  exports: [ProjectsService],
})
export class ProjectsModule {}
