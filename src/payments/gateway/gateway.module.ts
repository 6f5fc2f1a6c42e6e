import { Module } from '@nestjs/common';
import { AuthModule } from '../../auth/auth.module.js';
import { HistoryModule } from '../../history/history.module.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import { StripeConfigModule } from '../stripe-config/stripe-config.module.js';
import { GatewayKeysController } from './gateway-keys.controller.js';
import { GatewayKeysRepository } from './gateway-keys.repository.js';
import { GatewayKeysService } from './gateway-keys.service.js';

/** Stands between Stripe's SDKs and Stripe: checks a gateway key, and sends the stored secret key in its place. */
@Module({
  imports: [AuthModule, HistoryModule, ProjectsModule, StripeConfigModule],
  controllers: [GatewayKeysController],
  providers: [GatewayKeysService, GatewayKeysRepository],
})
export class GatewayModule {}
