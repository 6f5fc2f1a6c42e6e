import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthModule } from '../auth/auth.module.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { EventsModule } from '../payments/events/events.module.js';
import { PaymentsEventsModule } from '../payments/payments-events.js';
import { WebhooksModule } from '../payments/webhooks/webhooks.module.js';
import { EventMetrics } from './event-metrics.js';
import { HealthController, OpenGuard } from './health.controller.js';
import { MetricsController, MetricsRegistry } from './metrics.controller.js';
import { AccountMetrics, PaymentsMetrics, ServiceAccountMetrics } from './payments-metrics.js';
import { ProcessMetrics, RequestMetrics } from './process-metrics.js';
import { ReadinessService } from './readiness.service.js';
import { SystemController } from './system.controller.js';
import { SystemService } from './system.service.js';

@Module({
  imports: [AuthModule, AccountsModule, PaymentsEventsModule, EventsModule, WebhooksModule],
  controllers: [HealthController, MetricsController, SystemController],
  providers: [
    ReadinessService,
    SystemService,
    { provide: APP_GUARD, useClass: OpenGuard },
    MetricsRegistry,
    AccountMetrics,
    PaymentsMetrics,
    EventMetrics,
    ServiceAccountMetrics,
    ProcessMetrics,
    RequestMetrics,
  ],
})
export class MonitoringModule {}
