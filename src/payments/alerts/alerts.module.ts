import { Module } from '@nestjs/common';
import { AuthModule } from '../../auth/auth.module.js';
import { MailModule } from '../../mail/mailer.js';
import { ProjectsModule } from '../../projects/projects.module.js';
import { PaymentsEventsModule } from '../payments-events.js';
import { AlertMailsRepository } from './alert-mails.repository.js';
import { AlertsService } from './alerts.service.js';

/** Mails about problems of projects. */
@Module({
  imports: [AuthModule, MailModule, ProjectsModule, PaymentsEventsModule],
  providers: [AlertMailsRepository, AlertsService],
})
export class AlertsModule {}
