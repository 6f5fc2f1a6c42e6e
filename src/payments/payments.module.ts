import { Module } from '@nestjs/common';
import { LedgerModule } from './ledger/ledger.module.js';
import { StripeApiModule } from './stripe-api/stripe-api.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** What other modules import to inject `StripeConfigService`, `StripeClients` and `PaymentsEvents`. */
@Module({ imports: [StripeApiModule, LedgerModule, WebhooksModule], exports: [StripeApiModule] })
export class PaymentsModule {}
