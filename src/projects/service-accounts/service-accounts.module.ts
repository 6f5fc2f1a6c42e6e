import { Module } from '@nestjs/common';
import { AuthModule } from '../../auth/auth.module.js';
import { HistoryModule } from '../../history/history.module.js';
import { ProjectsModule } from '../projects.module.js';
import { ServiceAccountsController } from './service-accounts.controller.js';
import { ServiceAccountsRepository } from './service-accounts.repository.js';
import { ServiceAccountsService } from './service-accounts.service.js';

@Module({
  imports: [AuthModule, HistoryModule, ProjectsModule],
  controllers: [ServiceAccountsController],
  providers: [ServiceAccountsService, ServiceAccountsRepository],
  exports: [ServiceAccountsService],
})
export class ServiceAccountsModule {}
