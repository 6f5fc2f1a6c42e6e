import { Module } from '@nestjs/common';
import { AuthModule } from '../../auth/auth.module.js';
import { HistoryModule } from '../../history/history.module.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { PaymentsEventsModule } from '../payments-events.js';
import { DeliveriesService } from './delivery-log/deliveries.service.js';
import { EventDeliveriesController } from './delivery-log/event-deliveries.controller.js';
import { OperatorEventDeliveriesController } from './delivery-log/operator-event-deliveries.controller.js';
import { DeliveriesRepository } from './delivery/deliveries.repository.js';
import { DeliveryWorker } from './delivery/delivery-worker.js';
import { EventPublisher } from './delivery/event-publisher.js';
import { EventSender } from './delivery/event-sender.js';
import { NameServers, ReceiverAddresses } from './delivery/receiver-addresses.js';
import { DestinationHealth } from './destinations/destination-health.js';
import { DestinationSealer } from './destinations/destination-secrets.js';
import { DestinationsRepository } from './destinations/destinations.repository.js';
import { DestinationsService } from './destinations/destinations.service.js';
import { EventDestinationsController } from './destinations/event-destinations.controller.js';
import { OperatorEventDestinationsController } from './destinations/operator-event-destinations.controller.js';
import { EventLog } from './event-log.js';
import { EventRetention } from './event-retention.js';
import { EventsController } from './events.controller.js';
import { ListenerDeliveries } from './listener-deliveries.js';
import { MemberEvents } from './member-events.js';

/** Events that leave this service: the log, destinations, deliveries, and listeners of this process. */
@Module({
  imports: [AuthModule, HistoryModule, IdempotencyModule, ProjectsModule, PaymentsEventsModule],
  controllers: [
    EventsController,
    EventDestinationsController,
    OperatorEventDestinationsController,
    EventDeliveriesController,
    OperatorEventDeliveriesController,
  ],
  providers: [
    EventLog,
    ListenerDeliveries,
    MemberEvents,
    DestinationsService,
    DestinationsRepository,
    DestinationSealer,
    DestinationHealth,
    DeliveriesRepository,
    DeliveriesService,
    DeliveryWorker,
    EventPublisher,
    EventSender,
    EventRetention,
    NameServers,
    ReceiverAddresses,
  ],
  exports: [EventLog, DeliveriesService, PaymentsEventsModule],
})
export class EventsModule {}
