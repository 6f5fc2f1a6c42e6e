import { Module } from '@nestjs/common';
import { PaymentsModule } from '../payments/payments.module.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsRegistry } from './metrics-registry.js';
import { PaymentsMetrics } from './payments-metrics.js';
import { ProcessMetrics } from './process-metrics.js';
import { RequestMetrics } from './request-metrics.js';

@Module({
  imports: [PaymentsModule],
  controllers: [MetricsController],
  providers: [MetricsRegistry, PaymentsMetrics, ProcessMetrics, RequestMetrics],
})
export class MetricsModule {}
