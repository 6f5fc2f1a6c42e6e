import { Module } from '@nestjs/common';
import { PaymentsModule } from '../payments/payments.module.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsService } from './metrics.service.js';

@Module({ imports: [PaymentsModule], controllers: [MetricsController], providers: [MetricsService] })
export class MetricsModule {}
