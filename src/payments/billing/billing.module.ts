import { Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { StripeConfigModule } from '../stripe-config/stripe-config.module.js';
import { CheckoutController } from './checkout/checkout.controller.js';
import { CheckoutService } from './checkout/checkout.service.js';
import { CustomersService } from './customers/customers.service.js';
import { MyBillingRepository } from './subscription/my-billing.repository.js';
import { MyPaymentsController } from './subscription/my-payments.controller.js';
import { MySubscriptionController } from './subscription/my-subscription.controller.js';
import { StripeCustomersRepository } from './customers/stripe-customers.repository.js';
import { SubscriptionsAtStripe } from './subscription/subscriptions-at-stripe.js';
import { SubscriptionsService } from './subscription/subscriptions.service.js';

/** Operations of end users: checkout, customer portal, their subscription and their payments. */
@Module({
  imports: [ProjectsModule, StripeConfigModule, LedgerModule, IdempotencyModule],
  controllers: [CheckoutController, MySubscriptionController, MyPaymentsController],
  providers: [
    CheckoutService,
    SubscriptionsService,
    SubscriptionsAtStripe,
    CustomersService,
    StripeCustomersRepository,
    MyBillingRepository,
  ],
})
export class BillingModule {}
