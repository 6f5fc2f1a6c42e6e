import { Module } from '@nestjs/common';
import { AuthModule } from '../../auth/auth.module.js';
import { HistoryModule } from '../../history/history.module.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { PaymentsEventsModule } from '../payments-events.js';
import { StripeConfigModule } from '../stripe-config/stripe-config.module.js';
import { GatewayKeysController } from './keys/gateway-keys.controller.js';
import { GatewayKeysRepository } from './keys/gateway-keys.repository.js';
import { GatewayLimits } from './gateway-limits.js';
import { GatewayServer } from './gateway-server.js';
import { GatewayUsage } from './keys/gateway-usage.js';
import { GatewayProxy } from './gateway.proxy.js';
import { OperatorGatewayController } from './keys/operator-gateway.controller.js';
import { GatewayKeysService } from './keys/gateway-keys.service.js';

/** Stands between Stripe's SDKs and Stripe: checks a gateway key, and sends the stored secret key in its place. */
@Module({
  imports: [
    AuthModule,
    HistoryModule,
    IdempotencyModule,
    ProjectsModule,
    PaymentsEventsModule,
    StripeConfigModule,
  ],
  controllers: [GatewayKeysController, OperatorGatewayController],
  providers: [
    GatewayKeysService,
    GatewayKeysRepository,
    GatewayLimits,
    GatewayUsage,
    GatewayProxy,
    GatewayServer,
  ],
})
export class GatewayModule {}
