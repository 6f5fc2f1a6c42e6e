import { Module } from '@nestjs/common';
import { PaymentsEvents } from '../payments-events.js';
import { StripeConnector } from './stripe-connector.js';

/** Creates Stripe clients for given keys. Independent of projects. */
@Module({
  providers: [StripeConnector, PaymentsEvents],
  exports: [StripeConnector, PaymentsEvents],
})
export class StripeModule {}
