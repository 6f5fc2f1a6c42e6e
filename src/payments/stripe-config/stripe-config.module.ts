import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import { StripeApiModule } from '../stripe-api/stripe-api.module.js';
import { ConfigChanges } from './config-changes.js';
import { ConfigHistoryController } from './config-history.controller.js';
import { CredentialSealer } from './credential-sealer.js';
import { KeyHealthRepository } from './key-health.repository.js';
import { KeyHealth } from './key-health.js';
import { StripeAccounts } from './stripe-accounts.js';
import { StripeClients } from './stripe-clients.js';
import { StripeConfigController } from './stripe-config.controller.js';
import { StripeConfigRepository } from './stripe-config.repository.js';
import { StripeConfigService } from './stripe-config.service.js';
import { StripeConnectionController } from './stripe-connection.controller.js';
import { KeyVerifier } from './key-verifier.js';
import { WebhookSecretOverlap } from './webhook-secret-overlap.js';

/** The Stripe credentials of projects, the health of their keys, and clients that use them. */
@Module({
  imports: [AuditModule, ProjectsModule, StripeApiModule],
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
  ],
  exports: [StripeApiModule, StripeConfigService, ConfigChanges, StripeClients, StripeAccounts, KeyHealth],
})
export class StripeConfigModule {}
