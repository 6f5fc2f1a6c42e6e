import { Module } from '@nestjs/common';
import { ProjectsModule } from '../../projects/projects.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { StripeConfigModule } from '../stripe-config/stripe-config.module.js';
import { AuditModule } from '../../audit/audit.module.js';
import { IdempotencyModule } from '../../idempotency/idempotency.module.js';
import { ConnectionStatusController } from './connection-status.controller.js';
import { WebhookEndpointLeasesRepository } from './endpoints/webhook-endpoint-leases.repository.js';
import { WebhookEndpointsController } from './endpoints/webhook-endpoints.controller.js';
import { WebhookEndpointsRepository } from './endpoints/webhook-endpoints.repository.js';
import { WebhookEndpointsService } from './endpoints/webhook-endpoints.service.js';
import { DeliveryNotes } from './delivery-notes.js';
import { DeliveryVerifier } from './delivery-verifier.js';
import { EventHandlerService } from './event-handler.service.js';
import { EventReader } from './event-reader.js';
import { EventPayloads } from './event-payloads.js';
import { ReconcileController } from './reconcile.controller.js';
import { ReconcileService } from './reconcile.service.js';
import { ReconciliationsRepository } from './reconciliations.repository.js';
import { WebhookEventsController } from './webhook-events.controller.js';
import { WebhookEventsRepository } from './webhook-events.repository.js';
import { WebhookEventsService } from './webhook-events.service.js';
import { WebhookReceiverController } from './webhook-receiver.controller.js';
import { WebhookReceiverService } from './webhook-receiver.service.js';
import { WebhookRefusalsRepository } from './webhook-refusals.repository.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhookSweeper } from './webhook-sweeper.js';

/** Webhook endpoints at Stripe, and the events that they send: each is applied once. */
@Module({
  imports: [AuditModule, IdempotencyModule, ProjectsModule, StripeConfigModule, LedgerModule],
  controllers: [
    WebhookEndpointsController,
    ConnectionStatusController,
    WebhookReceiverController,
    WebhookEventsController,
    ReconcileController,
  ],
  providers: [
    WebhookEndpointsService,
    WebhookEndpointsRepository,
    WebhookEndpointLeasesRepository,
    WebhookReceiverService,
    WebhookSecrets,
    EventHandlerService,
    EventPayloads,
    WebhookEventsService,
    WebhookEventsRepository,
    WebhookRefusalsRepository,
    DeliveryNotes,
    DeliveryVerifier,
    EventReader,
    WebhookSweeper,
    ReconcileService,
    ReconciliationsRepository,
  ],
})
export class WebhooksModule {}
