import { Module } from '@nestjs/common';
import { ProjectsModule } from '../../../projects/projects.module.js';
import { DeveloperListsController } from './developer-lists.controller.js';
import { LedgerListsRepository } from './ledger-lists.repository.js';
import { LedgerOverviewRepository } from './ledger-overview.repository.js';
import { ProjectListsController } from './project-lists.controller.js';
import { StatsService } from './stats.service.js';

/** Shows developers what the ledger has. */
@Module({
  imports: [ProjectsModule],
  controllers: [ProjectListsController, DeveloperListsController],
  providers: [LedgerListsRepository, LedgerOverviewRepository, StatsService],
})
export class LedgerListsModule {}
