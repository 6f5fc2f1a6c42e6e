import { Module } from '@nestjs/common';
import { ProjectsModule } from '../../../projects/projects.module.js';
import { DeveloperListsController, ProjectListsController } from './ledger-lists.controller.js';
import { LedgerListsRepository } from './ledger-lists.repository.js';
import { LedgerOverviewService } from './ledger-overview.service.js';
import { SeriesController } from './series.controller.js';
import { SeriesService } from './series.service.js';

/** Lists and statistics for developers. */
@Module({
  imports: [ProjectsModule],
  controllers: [ProjectListsController, DeveloperListsController, SeriesController],
  providers: [LedgerListsRepository, LedgerOverviewService, SeriesService],
})
export class LedgerListsModule {}
