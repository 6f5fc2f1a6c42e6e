import { Module } from '@nestjs/common';
import { PaymentsEventsModule } from '../payments-events.js';
import { StripeConnector } from './stripe-connector.js';

/** Creates Stripe clients for given keys. Independent of projects. */
@Module({
  imports: [PaymentsEventsModule],
  providers: [StripeConnector],
  exports: [StripeConnector],
})
export class StripeModule {}
