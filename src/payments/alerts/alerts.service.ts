import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { VerifiedEmails } from '../../auth/tokens/verified-emails.js';
import { DomainError } from '../../common/errors.js';
import { Settings } from '../../config/settings.js';
import type { PeriodicTask } from '../../database/periodic-task.js';
import { PeriodicTasks } from '../../database/periodic-tasks.js';
import { Mailer } from '../../mail/mailer.js';
import { NotificationsRepository } from '../../projects/members/notifications.repository.js';
import { ProjectsService } from '../../projects/projects.service.js';
import { PaymentsEvents } from '../payments-events.js';
import { AlertMailsRepository } from './alert-mails.repository.js';
import type { AlertMail } from './alert-mails.statements.js';
import { type AlertData, ALERT_TYPES, alertMail, digestMail, operatorMail } from './alert-texts.js';

const MINUTE_MS = 60_000;
const INTERVAL_MS = 10_000;
const SOON_MS = 50;
/** With four connections, and all their time-outs, they are sent within the lease of the task. */
const BATCH = 20;
/** Waits after each failure. The last failure gives the mail up. */
const RETRY_AFTER_MS = [1, 5, 30, 120, 360, 720, 1_440, 1_440].map((minutes) => minutes * MINUTE_MS);
/** The daily mail is sent after this hour of the day, in UTC. */
const DIGEST_HOUR = 6;

/**
 * Mails owners and admins about problems of their projects, and operators about their destinations, and once a
 * day about all projects. Mails are stored before they are sent, and sent again after a failure.
 */
@Injectable()
export class AlertsService implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger(AlertsService.name);
  readonly task: PeriodicTask;

  constructor(
    private readonly mails: AlertMailsRepository,
    private readonly mailer: Mailer,
    private readonly events: PaymentsEvents,
    private readonly projects: ProjectsService,
    private readonly notifications: NotificationsRepository,
    private readonly emails: VerifiedEmails,
    private readonly settings: Settings,
    tasks: PeriodicTasks,
  ) {
    this.task = tasks.add({
      name: 'alert_mails',
      intervalMs: INTERVAL_MS,
      inOneProcess: true,
      onServersOnly: true,
      work: (signal) => this.send(new Date(), signal),
      failure: 'Mails about problems could not be read; this is tried again in ten seconds.',
    });
  }

  onModuleInit(): void {
    if (!this.mailer.isOn) return;
    for (const type of ALERT_TYPES)
      this.events.on(type, async ({ projectId, ...data }, { eventId }) => {
        if (projectId === null && this.settings.mail?.operator === undefined) return;
        await this.mails.add(type, projectId, data, eventId);
        this.task.wake(SOON_MS);
      });
  }

  onApplicationBootstrap(): void {
    if (this.mailer.isOn) this.task.start();
  }

  /** Sends the mails that are due. */
  async send(now: Date, signal?: AbortSignal): Promise<void> {
    if (this.settings.mail?.operator !== undefined && now.getUTCHours() >= DIGEST_HOUR)
      await this.mails.addDigest(now);
    if (signal?.aborted) return;
    const due = await this.mails.lease(now, BATCH);
    await Promise.all(
      due.map(async (mail) =>
        this.mails.finish(mail, (await this.#send(mail)) ? null : this.#again(mail, now)),
      ),
    );
    await this.mails.forget(now);
    await this.emails.forget(now);
  }

  /** @returns whether it was sent, or has nobody to go to */
  async #send(mail: AlertMail): Promise<boolean> {
    const { settings } = this;
    const { projectId, subject, type } = mail;
    const data = await this.#dataOf(mail);
    if (!data) return true;
    if (type === 'digest' || projectId === null || subject === null) {
      const to = settings.mail?.operator;
      const content =
        type === 'digest'
          ? digestMail(await this.mails.count(), settings)
          : operatorMail(type, data, settings);
      return to === undefined || this.mailer.send({ to, ...content });
    }
    const { enabled, address: to } = await this.notifications.find(projectId, subject);
    const project = await this.projects.get(projectId).catch((error: unknown) => {
      if (error instanceof DomainError && error.code === 'project_not_found') return undefined;
      throw error;
    });
    if (!enabled || to === null || !project) return true;
    return this.mailer.send({ to, ...alertMail(type, data, project, settings) });
  }

  /** @returns `undefined` if the mail is about a destination that was enabled or deleted meanwhile */
  async #dataOf({ type, problem, data }: AlertMail): Promise<AlertData | undefined> {
    const said = JSON.parse(data) as AlertData;
    if (type !== 'destination.disabled' || problem === null) return said;
    const destination = await this.mails.disabledDestination(problem);
    return destination && { ...said, destination };
  }

  #again({ type, projectId, attempts }: AlertMail, now: Date): Date | null {
    const wait = RETRY_AFTER_MS[attempts - 1];
    if (wait !== undefined) return new Date(now.getTime() + wait);
    this.#logger.error(`A mail about ${type} of project ${projectId ?? 'none'} was given up.`);
    return null;
  }
}
