import { Module } from '@nestjs/common';
import { PaymentsEvents } from '../payments-events.js';
import { StripeConnector } from './stripe-connector.js';

/** Clients for Stripe, each with a key that the caller gives. It knows no project. */
@Module({
  providers: [StripeConnector, PaymentsEvents],
  exports: [StripeConnector, PaymentsEvents],
})
export class StripeApiModule {}
