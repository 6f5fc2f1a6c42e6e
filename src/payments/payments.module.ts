import { Module } from '@nestjs/common';
import { BillingModule } from './billing/billing.module.js';
import { LedgerModule } from './ledger/ledger.module.js';
import { LedgerListsModule } from './ledger/lists/ledger-lists.module.js';
import { StripeApiModule } from './stripe-api/stripe-api.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** What other modules import to inject `StripeConfigService`, `StripeClients`, `PaymentsEvents` and `LedgerEvents`. */
@Module({
  imports: [StripeApiModule, LedgerModule, LedgerListsModule, BillingModule, WebhooksModule],
  exports: [StripeApiModule, LedgerModule],
})
export class PaymentsModule {}
