import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { Settings } from '../../config/settings.js';
import { IdempotencyModule } from '../../idempotency/idempotency.module.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import { ProjectsService } from '../../projects/projects.service.js';
import { StripeConnectionController } from './stripe-connection.controller.js';
import { StripeClients } from './stripe-clients.js';
import { StripeConnector } from './stripe-connector.js';
import { StripeAccounts } from './stripe-accounts.js';
import { KeyChecksService } from './key-checks.service.js';
import { KeyChecksRepository } from './key-checks.repository.js';
import { KeyValidator } from './key-validator.js';
import { ValidationService } from './validation.service.js';
import { WebhookActivity } from './webhook-activity.js';
import { PaymentsEvents } from './payments-events.js';
import { WebhookEndpointsController } from './webhook-endpoints.controller.js';
import { WebhookEndpointLeasesRepository } from './webhook-endpoint-leases.repository.js';
import { WebhookEndpointsRepository } from './webhook-endpoints.repository.js';
import { WebhookEndpointsService } from './webhook-endpoints.service.js';
import { CheckedSaveService } from '../stripe-config/checked-save.service.js';
import { ConfigHistoryController } from '../stripe-config/config-history.controller.js';
import { ConfigChanges } from '../stripe-config/config-changes.js';
import { CredentialSealer } from '../stripe-config/credential-sealer.js';
import { credentialPolicy } from '../stripe-config/credential.decorator.js';
import { STRIPE_MODES } from '../stripe-config/credential-rules.js';
import { SecretKeyChecker } from '../stripe-config/secret-key-checker.js';
import { StripeConfigController } from '../stripe-config/stripe-config.controller.js';
import { StripeConfigRepository } from '../stripe-config/stripe-config.repository.js';
import { StripeConfigService } from '../stripe-config/stripe-config.service.js';
import { WebhookSecretSweeper } from '../stripe-config/webhook-secret-sweeper.js';

/** The credentials of projects, and the door to Stripe that they open. */
@Module({
  imports: [AuditModule, ProjectsModule, IdempotencyModule],
  controllers: [StripeConfigController, ConfigHistoryController, StripeConnectionController, WebhookEndpointsController],
  providers: [
    StripeConfigService,
    StripeConfigRepository,
    CredentialSealer,
    WebhookSecretSweeper,
    ConfigChanges,
    StripeClients,
    StripeConnector,
    StripeAccounts,
    KeyChecksService,
    KeyChecksRepository,
    KeyValidator,
    ValidationService,
    WebhookEndpointsService,
    WebhookEndpointsRepository,
    WebhookEndpointLeasesRepository,
    { provide: SecretKeyChecker, useExisting: ValidationService },
    CheckedSaveService,
    PaymentsEvents,
    WebhookActivity,
  ],
  exports: [StripeConfigService, ConfigChanges, StripeClients, StripeAccounts, PaymentsEvents, WebhookActivity],
})
export class StripeApiModule {
  constructor(projects: ProjectsService, configs: StripeConfigService, repository: StripeConfigRepository, settings: Settings) {
    credentialPolicy.acceptRestrictedKeys = settings.stripeAcceptRestrictedKeys;
    projects.addDependant({
      prepare: (projectId, actor) => configs.prepareRemoval(projectId, STRIPE_MODES, actor),
      destroy: (projectId, now, chain, actor) => repository.removeWithProject(projectId, chain, actor, now),
    });
  }
}
