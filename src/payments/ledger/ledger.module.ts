import { Module } from '@nestjs/common';
import { StripeConfigModule } from '../stripe-config/stripe-config.module.js';
import { ForeignObjectsRepository } from './store/foreign-objects.repository.js';
import { LedgerService } from './ledger.service.js';
import { DisputesTable, PaymentsTable, SubscriptionsTable } from './store/ledger-tables.js';
import { LedgerWriter } from './store/ledger-writer.js';
import { OutboxRepository } from './outbox/outbox.repository.js';
import { OutboxSweeper } from './outbox/outbox-sweeper.js';
import { EventEnricher } from './lookup/event-enricher.js';
import { StatisticsRepository } from './store/statistics.repository.js';
import { StripeLookups } from './lookup/stripe-lookups.js';
import { LedgerEventRecorder } from './outbox/ledger-event-recorder.js';
import { UserLinksRepository } from './store/user-links.repository.js';

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
