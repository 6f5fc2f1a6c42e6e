import { Module } from '@nestjs/common';
import { Settings } from '../config/settings.js';
import { ProjectsModule } from '../projects/projects.module.js';
import { ProjectsService } from '../projects/projects.service.js';
import { credentialPolicy } from './stripe-config/credential.decorator.js';
import { StripeConfigController } from './stripe-config/stripe-config.controller.js';
import { StripeConfigRepository } from './stripe-config/stripe-config.repository.js';
import { StripeConfigService } from './stripe-config/stripe-config.service.js';

/** Keeps the Stripe credentials of projects. Other modules import it and inject `StripeConfigService`. */
@Module({
  imports: [ProjectsModule],
  controllers: [StripeConfigController],
  providers: [StripeConfigService, StripeConfigRepository],
  exports: [StripeConfigService],
})
export class PaymentsModule {
  constructor(projects: ProjectsService, configs: StripeConfigRepository, settings: Settings) {
    credentialPolicy.acceptRestrictedKeys = settings.stripeAcceptRestrictedKeys;
    projects.onDelete((projectId, now) => configs.removeWithProject(projectId, now));
  }
}
