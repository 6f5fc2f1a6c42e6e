import { Module } from '@nestjs/common';
import { ProjectsModule } from '../../projects/projects.module.js';
import { EventsModule } from '../events/events.module.js';
import { PaymentsEventsModule } from '../payments-events.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { StripeConfigModule } from '../stripe-config/stripe-config.module.js';
import { HistoryModule } from '../../history/history.module.js';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { ConnectionStatusController } from './connection-status.controller.js';
import {
  WebhookEndpointLeasesRepository,
  WebhookEndpointsRepository,
} from './endpoints/webhook-endpoints.repository.js';
import { WebhookEndpointsController } from './endpoints/webhook-endpoints.controller.js';
import { WebhookEndpointsService } from './endpoints/webhook-endpoints.service.js';
import { DeliveryNotes } from './events/delivery-notes.js';
import { DeliveryVerifier } from './events/delivery-verifier.js';
import { WebhookSecrets } from './events/webhook-secrets.js';
import { EventHandlerService } from './events/event-handler.service.js';
import { EventPayloads } from './events/event-payloads.js';
import { EventReader } from './events/event-reader.js';
import { ConnectionChecksRepository } from './monitor/connection-checks.repository.js';
import { ConnectionMonitor } from './monitor/connection-monitor.js';
import { DeliveryObserver } from './monitor/delivery-observer.js';
import { SilenceCheck } from './monitor/silence.js';
import { ReconcileController } from './reconcile/reconcile.controller.js';
import { ReconcileService } from './reconcile/reconcile.service.js';
import { ReconciliationsRepository } from './reconcile/reconciliations.repository.js';
import { WebhookEventsController } from './events/webhook-events.controller.js';
import { WebhookEventsRepository } from './events/webhook-events.repository.js';
import { WebhookEventsService } from './events/webhook-events.service.js';
import { WebhookReceiverController } from './receiver/webhook-receiver.controller.js';
import { WebhookReceiverService } from './receiver/webhook-receiver.service.js';
import { WebhookRefusalsRepository } from './refusals/webhook-refusals.repository.js';
import { WebhookSweeper } from './events/webhook-sweeper.js';

/** Webhook endpoints at Stripe, the receiver of their events, and reconcile. */
@Module({
  imports: [
    HistoryModule,
    IdempotencyModule,
    ProjectsModule,
    PaymentsEventsModule,
    EventsModule,
    StripeConfigModule,
    LedgerModule,
  ],
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
    ConnectionMonitor,
    ConnectionChecksRepository,
    DeliveryObserver,
    SilenceCheck,
    ReconcileService,
    ReconciliationsRepository,
  ],
  exports: [WebhookEndpointsService, WebhookEventsRepository],
})
export class WebhooksModule {}
