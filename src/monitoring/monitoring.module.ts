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
  controllers: [HealthController],
  providers: [ReadinessService, { provide: APP_GUARD, useClass: OpenGuard }],
  exports: [ReadinessService],
})
export class HealthModule {}

@Module({
  imports: [AccountsModule, PaymentsModule],
  controllers: [MetricsController],
  providers: [MetricsRegistry, AccountMetrics, PaymentsMetrics, ProcessMetrics, RequestMetrics],
})
export class MetricsModule {}
