import { Module } from '@nestjs/common';
import { StripeConfigModule } from '../stripe-config/stripe-config.module.js';
import { ForeignObjectsRepository } from './foreign-objects.repository.js';
import { LedgerService } from './ledger.service.js';
import { DisputesTable, PaymentsTable, SubscriptionsTable } from './ledger-tables.js';
import { LedgerWriter } from './ledger-writer.js';
import { OutboxRepository } from './outbox.repository.js';
import { OutboxSweeper } from './outbox-sweeper.js';
import { EventEnricher } from './preparation.js';
import { StatisticsRepository } from './statistics.repository.js';
import { StripeLookups } from './stripe-questions.js';
import { LedgerEventRecorder } from './tellings.js';
import { UserLinksRepository } from './user-links.repository.js';

/** Subscriptions and payments as Stripe last said. */
@Module({
  imports: [StripeConfigModule],
  providers: [
    LedgerService,
    EventEnricher,
    StripeLookups,
    LedgerWriter,
    SubscriptionsTable,
    PaymentsTable,
    DisputesTable,
    UserLinksRepository,
    ForeignObjectsRepository,
    StatisticsRepository,
    LedgerEventRecorder,
    OutboxRepository,
    OutboxSweeper,
  ],
  exports: [LedgerService, OutboxRepository],
})
export class LedgerModule {}
