import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccountsModule } from '../accounts/accounts.module.js';
import { PaymentsModule } from '../payments/payments.module.js';
import { HealthController, OpenGuard } from './health.controller.js';
import { MetricsController, MetricsRegistry } from './metrics.controller.js';
import { AccountMetrics, PaymentsMetrics } from './payments-metrics.js';
import { ProcessMetrics, RequestMetrics } from './process-metrics.js';
import { ReadinessService } from './readiness.service.js';

@Module({
  imports: [AccountsModule, PaymentsModule],
  controllers: [HealthController, MetricsController],
  providers: [
    ReadinessService,
    { provide: APP_GUARD, useClass: OpenGuard },
    MetricsRegistry,
    AccountMetrics,
    PaymentsMetrics,
    ProcessMetrics,
    RequestMetrics,
  ],
})
export class MonitoringModule {}
