import { Module } from '@nestjs/common';
import { ProjectsModule } from '../projects.module.js';
import { ServiceAccountsModule } from '../service-accounts/service-accounts.module.js';
import { OperatorProjectsController } from './operator-projects.controller.js';
import { OperatorProjectsRepository } from './operator-projects.repository.js';
import { OperatorServiceAccountsController } from './operator-service-accounts.controller.js';

@Module({
  imports: [ProjectsModule, ServiceAccountsModule],
  controllers: [OperatorProjectsController, OperatorServiceAccountsController],
  providers: [OperatorProjectsRepository],
})
export class OperatorModule {}
