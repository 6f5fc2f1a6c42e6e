import { Module } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { PaymentsModule } from '../payments/payments.module.js';
import { AccountMetrics } from './account-metrics.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsRegistry } from './metrics-registry.js';
import { PaymentsMetrics } from './payments-metrics.js';
import { ProcessMetrics } from './process-metrics.js';
import { RequestMetrics } from './request-metrics.js';

@Module({
  imports: [AccountsModule, PaymentsModule],
  controllers: [MetricsController],
  providers: [MetricsRegistry, AccountMetrics, PaymentsMetrics, ProcessMetrics, RequestMetrics],
})
export class MetricsModule {}
