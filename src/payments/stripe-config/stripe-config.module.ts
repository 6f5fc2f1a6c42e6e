import { Module } from '@nestjs/common';
import { HistoryModule } from '../../history/history.module.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import { EventsModule } from '../events/events.module.js';
import { StripeModule } from '../stripe/stripe.module.js';
import { ConfigChanges } from './config-cache.js';
import { ConfigHistoryController } from './history/config-history.controller.js';
import { HistoryVerification } from './history/history-verification.js';
import { CredentialSealer } from './credential-sealer.js';
import { KeyHealthRepository } from './keys/key-health.repository.js';
import { KeyHealth } from './keys/key-health.js';
import { StripeAccounts } from './keys/stripe-accounts.js';
import { StripeClients } from './keys/stripe-clients.js';
import { StripeConfigController } from './stripe-config.controller.js';
import { StripeConfigRepository } from './stripe-config.repository.js';
import { StripeConfigService } from './stripe-config.service.js';
import { StripeConnectionController } from './keys/stripe-connection.controller.js';
import { KeyVerifier } from './keys/key-verifier.js';
import { WebhookSecretOverlap } from './webhook-secret-overlap.js';

/** Stripe credentials of projects, key health, and Stripe clients. */
@Module({
  imports: [EventsModule, HistoryModule, ProjectsModule, StripeModule],
  controllers: [StripeConfigController, ConfigHistoryController, StripeConnectionController],
  providers: [
    StripeConfigService,
    StripeConfigRepository,
    CredentialSealer,
    WebhookSecretOverlap,
    ConfigChanges,
    StripeClients,
    StripeAccounts,
    KeyHealth,
    KeyHealthRepository,
    KeyVerifier,
    HistoryVerification,
  ],
  exports: [StripeConfigService, ConfigChanges, StripeClients, StripeAccounts, KeyHealth, KeyVerifier],
})
export class StripeConfigModule {}
