import { Module } from '@nestjs/common';
import { Settings } from '../config/settings.js';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { ProjectsModule } from '../projects/projects.module.js';
import { ProjectsService } from '../projects/projects.service.js';
import { StripeConnectionController } from './stripe-api/stripe-connection.controller.js';
import { StripeClients } from './stripe-api/stripe-clients.js';
import { StripeConnector } from './stripe-api/stripe-connector.js';
import { KeyChecksService } from './stripe-api/key-checks.service.js';
import { KeyChecksRepository } from './stripe-api/key-checks.repository.js';
import { KeyValidator } from './stripe-api/key-validator.js';
import { ValidationService } from './stripe-api/validation.service.js';
import { PaymentsEvents } from './stripe-api/payments-events.js';
import { WebhookEndpointsController } from './stripe-api/webhook-endpoints.controller.js';
import { WebhookEndpointsRepository } from './stripe-api/webhook-endpoints.repository.js';
import { WebhookEndpointsService } from './stripe-api/webhook-endpoints.service.js';
import { CheckedSaveService } from './stripe-config/checked-save.service.js';
import { ConfigChanges } from './stripe-config/config-changes.js';
import { credentialPolicy } from './stripe-config/credential.decorator.js';
import { SecretKeyChecker } from './stripe-config/secret-key-checker.js';
import { StripeConfigController } from './stripe-config/stripe-config.controller.js';
import { StripeConfigRepository } from './stripe-config/stripe-config.repository.js';
import { StripeConfigService } from './stripe-config/stripe-config.service.js';

/** Keeps the Stripe credentials of projects. Other modules import it and inject `StripeConfigService`, `StripeClients` and `PaymentsEvents`. */
@Module({
  imports: [ProjectsModule, IdempotencyModule],
  controllers: [StripeConfigController, StripeConnectionController, WebhookEndpointsController],
  providers: [
    StripeConfigService,
    StripeConfigRepository,
    ConfigChanges,
    StripeClients,
    StripeConnector,
    KeyChecksService,
    KeyChecksRepository,
    KeyValidator,
    ValidationService,
    WebhookEndpointsService,
    WebhookEndpointsRepository,
    { provide: SecretKeyChecker, useExisting: ValidationService },
    CheckedSaveService,
    PaymentsEvents,
  ],
  exports: [StripeConfigService, StripeClients, PaymentsEvents],
})
export class PaymentsModule {
  constructor(projects: ProjectsService, configs: StripeConfigService, repository: StripeConfigRepository, settings: Settings) {
    credentialPolicy.acceptRestrictedKeys = settings.stripeAcceptRestrictedKeys;
    projects.addDependant({
      prepare: (projectId) => configs.prepareRemoval(projectId),
      destroy: (projectId, now) => repository.removeWithProject(projectId, now),
    });
  }
}
