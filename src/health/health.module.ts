import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { HealthController } from './health.controller.js';
import { OpenGuard } from './open.guard.js';
import { ReadinessService } from './readiness.service.js';

@Module({
  controllers: [HealthController],
  providers: [ReadinessService, { provide: APP_GUARD, useClass: OpenGuard }],
  exports: [ReadinessService],
})
export class HealthModule {}
