import { Module } from '@nestjs/common';
import { ProjectsModule } from '../../../projects/projects.module.js';
import { DeveloperListsController } from './ledger-lists.controller.js';
import { LedgerListsRepository } from './ledger-lists.repository.js';
import { LedgerOverviewRepository } from './ledger-overview.repository.js';
import { ProjectListsController } from './ledger-lists.controller.js';
import { StatsService } from './ledger-overview.repository.js';

/** Shows developers what the ledger has. */
@Module({
  imports: [ProjectsModule],
  controllers: [ProjectListsController, DeveloperListsController],
  providers: [LedgerListsRepository, LedgerOverviewRepository, StatsService],
})
export class LedgerListsModule {}
