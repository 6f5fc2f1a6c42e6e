import { Module } from '@nestjs/common';
import { ProjectsModule } from '../../../projects/projects.module.js';
import { DeveloperListsController, ProjectListsController } from './ledger-lists.controller.js';
import { LedgerListsRepository } from './ledger-lists.repository.js';
import { LedgerOverviewService } from './ledger-overview.service.js';

/** Lists and statistics for developers. */
@Module({
  imports: [ProjectsModule],
  controllers: [ProjectListsController, DeveloperListsController],
  providers: [LedgerListsRepository, LedgerOverviewService],
})
export class LedgerListsModule {}
