import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { StripeConfigModule } from '../stripe-config/stripe-config.module.js';
import { ForeignObjectsRepository } from './store/foreign-objects.repository.js';
import { LedgerService } from './ledger.service.js';
import { DisputesTable, PaymentsTable, SubscriptionsTable } from './store/ledger-tables.js';
import { LedgerWriter } from './store/ledger-writer.js';
import { DisputeEnricher } from './lookup/dispute-enricher.js';
import { EventEnricher } from './lookup/event-enricher.js';
import { ObjectOwnership } from './lookup/object-ownership.js';
import { PaymentEnricher } from './lookup/payment-enricher.js';
import { SubscriptionEnricher } from './lookup/subscription-enricher.js';
import { StatisticsRepository } from './store/statistics.repository.js';
import { StripeLookups } from './lookup/stripe-lookups.js';
import { LedgerEventRecorder } from './store/ledger-event-recorder.js';
import { UserLinksRepository } from './store/user-links.repository.js';

/** Stores subscriptions, payments and disputes as Stripe last reported them. */
@Module({
  imports: [EventsModule, StripeConfigModule],
  providers: [
    LedgerService,
    EventEnricher,
    SubscriptionEnricher,
    PaymentEnricher,
    DisputeEnricher,
    ObjectOwnership,
    StripeLookups,
    LedgerWriter,
    SubscriptionsTable,
    PaymentsTable,
    DisputesTable,
    UserLinksRepository,
    ForeignObjectsRepository,
    StatisticsRepository,
    LedgerEventRecorder,
  ],
  exports: [LedgerService],
})
export class LedgerModule {}
