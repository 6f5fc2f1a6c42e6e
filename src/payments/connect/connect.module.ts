import { Module } from '@nestjs/common';
import { AuthModule } from '../../auth/auth.module.js';
import { HistoryModule } from '../../history/history.module.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import { StripeConfigModule } from '../stripe-config/stripe-config.module.js';
import { WebhooksModule } from '../webhooks/webhooks.module.js';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { EventsModule } from '../events/events.module.js';
import { ConnectController } from './connect.controller.js';
import { ConnectLinkGuard } from './connect-link.guard.js';
import { ConnectLinksController } from './connect-links.controller.js';
import { ConnectLinksRepository } from './connect-links.repository.js';
import { ConnectPageController } from './connect-page.controller.js';
import { ConnectService } from './connect.service.js';

/** Links on which tenants connect Stripe without an account here. */
@Module({
  imports: [
    AuthModule,
    EventsModule,
    HistoryModule,
    IdempotencyModule,
    ProjectsModule,
    StripeConfigModule,
    WebhooksModule,
  ],
  controllers: [ConnectLinksController, ConnectController, ConnectPageController],
  providers: [ConnectLinksRepository, ConnectService, ConnectLinkGuard],
})
export class ConnectModule {}
