import { Injectable, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Deadline } from '../common/deadline.js';
import { Semaphore } from '../common/semaphore.js';
import { isLoopbackHost } from '../config/rules.js';
import { Settings } from '../config/settings.js';

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
}

/** Each mail has a connection of its own. */
const CONCURRENCY = 4;
const MAX_QUEUED = 1_000;

const TIMEOUTS = {
  dnsTimeout: 5_000,
  connectionTimeout: 5_000,
  greetingTimeout: 5_000,
  socketTimeout: 10_000,
};
/** Milliseconds that a stopping process waits for mails that are being sent. */
const STOP_MS = 5_000;

/** Sends mails through the SMTP server of `SMTP_URL`. */
@Injectable()
export class Mailer implements OnApplicationShutdown {
  readonly #logger = new Logger(Mailer.name);
  readonly #semaphore = new Semaphore({
    concurrency: CONCURRENCY,
    queued: MAX_QUEUED,
    tooBusy: () => new Error('too many mails wait'),
  });
  readonly #transport: ReturnType<typeof transportOf> | undefined;
  readonly #pending = new Set<Promise<unknown>>();
  /** Mails since the start, for metrics. */
  readonly counts = { sent: 0, failed: 0 };

  constructor(settings: Settings) {
    this.#transport = settings.mail && transportOf(settings.mail, settings.nodeEnv === 'production');
  }

  /** Whether mails can be sent. */
  get isOn(): boolean {
    return this.#transport !== undefined;
  }

  /** Sends a mail in the background. A failure is logged, without the mail or its address. */
  post(mail: Mail): void {
    const sending: Promise<unknown> = this.send(mail).finally(() => this.#pending.delete(sending));
    this.#pending.add(sending);
  }

  async onApplicationShutdown(): Promise<void> {
    await Deadline.within(
      STOP_MS,
      () => Promise.all(this.#pending),
      () => new Error('The mail server is slow.'),
    ).catch(() => this.#logger.warn(`${this.#pending.size} mails were not sent before the end.`));
  }

  /** @returns whether the server took it. A failure is logged, without the mail or its address. */
  async send({ to, subject, text, html }: Mail): Promise<boolean> {
    try {
      // An object keeps the address from being read as a list.
      await this.#semaphore.run(async () => {
        await (
          await this.#transport
        )?.sendMail({
          to: { name: '', address: to },
          subject,
          text,
          ...(html !== undefined && { html }),
        });
      });
      this.counts.sent += 1;
      return true;
    } catch (error) {
      this.counts.failed += 1;
      this.#logger.warn(`A mail could not be sent: ${reasonOf(error)}.`);
      return false;
    }
  }
}

/**
 * Demands TLS in production, since a mail may carry a reset token. Loads nodemailer only where mails are sent,
 * since its modules slow each start.
 */
async function transportOf({ url, from }: NonNullable<Settings['mail']>, isProduction: boolean) {
  const { protocol, hostname, port, username, password } = new URL(url.reveal());
  const host = hostname.replace(/^\[|]$/g, '');
  const secure = protocol === 'smtps:';
  const { createTransport } = await import('nodemailer');
  return createTransport(
    {
      host,
      port: Number(port) || (secure ? 465 : 587),
      secure,
      requireTLS: isProduction && !isLoopbackHost(host),
      ...(username === ''
        ? {}
        : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
      ...TIMEOUTS,
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { from },
  );
}

/** The code of nodemailer and the status of the server. Their messages repeat addresses. */
function reasonOf(error: unknown): string {
  const { code, responseCode } = Object(error) as { code?: unknown; responseCode?: unknown };
  const facts = [code, responseCode].filter((fact) => typeof fact === 'string' || typeof fact === 'number');
  return facts.length === 0 ? 'the queue is full, or the connection broke' : facts.join(' ');
}

@Module({ providers: [Mailer], exports: [Mailer] })
export class MailModule {}
