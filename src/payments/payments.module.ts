import { Module } from '@nestjs/common';
import { AlertsModule } from './alerts/alerts.module.js';
import { BillingModule } from './billing/billing.module.js';
import { ConnectModule } from './connect/connect.module.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { LedgerModule } from './ledger/ledger.module.js';
import { LedgerListsModule } from './ledger/lists/ledger-lists.module.js';
import { EventsModule } from './events/events.module.js';
import { PaymentsEventsModule } from './payments-events.js';
import { StripeConfigModule } from './stripe-config/stripe-config.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** What other modules import to inject `StripeConfigService`, `StripeClients` and `PaymentsEvents`. */
@Module({
  imports: [
    PaymentsEventsModule,
    EventsModule,
    StripeConfigModule,
    LedgerModule,
    LedgerListsModule,
    BillingModule,
    GatewayModule,
    WebhooksModule,
    ConnectModule,
    AlertsModule,
  ],
  exports: [StripeConfigModule, PaymentsEventsModule],
})
export class PaymentsModule {}
