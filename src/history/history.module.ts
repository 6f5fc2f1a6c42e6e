import { Module } from '@nestjs/common';
import { HistoryRepository } from './history.repository.js';
import { HistoryRetention } from './history-retention.js';
import { HistoryTrail } from './history-trail.js';
import { HistoryVerifier } from './history-verifier.js';

/** The tamper-evident history: who did what, when and from where. */
@Module({
  providers: [HistoryTrail, HistoryRepository, HistoryVerifier, HistoryRetention],
  exports: [HistoryTrail, HistoryRepository, HistoryVerifier, HistoryRetention],
})
export class HistoryModule {}
