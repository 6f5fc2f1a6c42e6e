import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { IdempotencyModule } from '../../idempotency/idempotency.module.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import { StripeConfigModule } from '../stripe-config/stripe-config.module.js';
import { WebhookEndpointLeasesRepository } from './webhook-endpoint-leases.repository.js';
import { WebhookEndpointsController } from './webhook-endpoints.controller.js';
import { WebhookEndpointsRepository } from './webhook-endpoints.repository.js';
import { WebhookEndpointsService } from './webhook-endpoints.service.js';

/** Webhook endpoints at Stripe. */
@Module({
  imports: [AuditModule, ProjectsModule, IdempotencyModule, StripeConfigModule],
  controllers: [WebhookEndpointsController],
  providers: [WebhookEndpointsService, WebhookEndpointsRepository, WebhookEndpointLeasesRepository],
})
export class WebhookEndpointsModule {}
