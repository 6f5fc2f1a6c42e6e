import type { Settings } from '../../config/settings.js';
import type { Mail } from '../../mail/mailer.js';
import type { DurableEventMap } from '../payments-events.js';
import type { StripeMode } from '../stripe/stripe-mode.js';
import type { Counts } from './alert-mails.repository.js';

/** Events that owners and admins get a mail about. */
export const ALERT_TYPES = [
  'credentials.invalid',
  'credentials.recovered',
  'endpoint.disabled',
  'endpoint.silent',
  'endpoint.recovered',
  'destination.disabled',
] as const;
export type AlertType = (typeof ALERT_TYPES)[number];

/** What ends a problem, and the problems that it ends. */
export const OPPOSITES: Readonly<Partial<Record<AlertType, readonly AlertType[]>>> = {
  'credentials.invalid': ['credentials.recovered'],
  'credentials.recovered': ['credentials.invalid'],
  'endpoint.disabled': ['endpoint.recovered'],
  'endpoint.silent': ['endpoint.recovered'],
  'endpoint.recovered': ['endpoint.disabled', 'endpoint.silent'],
};

/** What an event says that a mail repeats. */
export type AlertData = { readonly mode?: StripeMode | null } & Partial<
  Pick<DurableEventMap['credentials.invalid'], 'reason'>
> &
  Partial<Pick<DurableEventMap['endpoint.silent'], 'missedEvents' | 'lastEventAt'>> & {
    readonly destination?: {
      readonly id: string;
      readonly description: string | null;
      /** Known when the mail is sent. */
      readonly url?: string;
    };
  };

/** What a problem is about: the mode, or the destination. A project has at most one mail a day about each. */
export function problemOf({ mode, destination }: AlertData): string | null {
  return destination?.id ?? mode ?? null;
}

/** Where people find the console and the API. */
type Places = Pick<Settings, 'publicBaseUrl' | 'console'>;

interface Words {
  readonly subject: string;
  readonly lines: readonly string[];
}

const ENDPOINT_HELP = 'Make the endpoint again in the console, which repairs it.';

const WORDS: Record<AlertType, (data: AlertData) => Words> = {
  'credentials.invalid': ({ mode, reason = '' }) => ({
    subject: `Stripe refuses the ${mode} key`,
    lines: [reason, 'Payments and subscriptions fail until a working key is stored.'],
  }),
  'credentials.recovered': ({ mode }) => ({
    subject: `Stripe accepts the ${mode} key again`,
    lines: ['There is nothing to do.'],
  }),
  'endpoint.disabled': ({ mode }) => ({
    subject: `Stripe's ${mode} events do not arrive`,
    lines: ['The webhook endpoint at Stripe is missing, disabled or changed.', ENDPOINT_HELP],
  }),
  'endpoint.silent': ({ mode, missedEvents = 0, lastEventAt = '' }) => ({
    subject: `Stripe's ${mode} events stopped arriving`,
    lines: [
      `The last event arrived at ${lastEventAt}. Stripe has ${missedEvents} since then that never arrived; they were fetched now.`,
      ENDPOINT_HELP,
    ],
  }),
  'endpoint.recovered': ({ mode }) => ({
    subject: `Stripe's ${mode} events arrive again`,
    lines: ['There is nothing to do.'],
  }),
  'destination.disabled': ({ destination, reason }) => ({
    subject: 'An event destination was disabled',
    lines: [
      `${nameOf(destination)} ${reason === 'gone' ? 'answered 410' : 'failed for five days'}.`,
      'Repair it, enable it, and recover what it missed.',
    ],
  }),
};

/** Description, host and id. Path and query of a URL may have secrets. */
function nameOf(destination: AlertData['destination']): string {
  if (!destination) return 'A destination';
  const { id, description, url } = destination;
  const facts = [url && new URL(url).host, id].filter(Boolean).join(', ');
  return `${description ?? 'The destination'} (${facts})`;
}

/** @param project its name and id */
export function alertMail(
  type: AlertType,
  data: AlertData,
  project: { name: string; id: string },
  { publicBaseUrl, console: hasConsole }: Places,
): Omit<Mail, 'to'> {
  const { subject, lines } = WORDS[type](data);
  const page = `${publicBaseUrl}/console/projects/${project.id}`;
  const choice = hasConsole
    ? `under "Your mails" on the page ${page}/access`
    : `with PUT ${publicBaseUrl}/api/v1/projects/${project.id}/members/me/notifications`;
  return mailOf(`${project.name}: ${subject}`, lines, hasConsole ? page : undefined, [
    `You get this mail as owner or admin of the project, at most once a day for each problem. Switch it off, or choose another address, ${choice}.`,
  ]);
}

/** A mail about a destination of the operator. */
export function operatorMail(type: AlertType, data: AlertData, places: Places): Omit<Mail, 'to'> {
  const { subject, lines } = WORDS[type](data);
  const text = ['This destination is one of the operator, which gets the events of all projects.', ...lines];
  return mailOf(subject, text, operatorPage(places, 'system'), [
    'This mail comes to OPERATOR_MAIL, at most once a day for each problem.',
  ]);
}

export function digestMail(
  { healths, problems, disabledDestinations }: Counts,
  places: Places,
): Omit<Mail, 'to'> {
  const line = ([name, count]: [string, number]) => `${count} ${name.replaceAll('_', ' ')}`;
  const bad =
    healths.unhealthy + disabledDestinations + Object.values(problems).reduce((sum, count) => sum + count, 0);
  return mailOf(
    bad === 0 ? 'All projects are well' : 'Some projects or destinations have problems',
    [
      `Keys: ${Object.entries(healths).map(line).join(', ')}.`,
      `Problems: ${Object.entries(problems).map(line).join(', ')}.`,
      `Event destinations that were disabled because they failed: ${disabledDestinations}.`,
    ],
    operatorPage(places, 'projects'),
    ['This mail comes once a day, to OPERATOR_MAIL.'],
  );
}

function operatorPage({ publicBaseUrl, console: hasConsole }: Places, page: string): string | undefined {
  return hasConsole ? `${publicBaseUrl}/console/operator/${page}` : undefined;
}

function mailOf(
  subject: string,
  lines: readonly string[],
  url: string | undefined,
  footer: readonly string[],
): Omit<Mail, 'to'> {
  const paragraph = (text: string) => `<p>${escaped(text)}</p>`;
  const links = url === undefined ? [] : [url];
  const link = (to: string) => `<p><a href="${escaped(to)}">${escaped(to)}</a></p>`;
  return {
    subject,
    text: `${[subject, ...lines, ...links, ...footer].join('\n\n')}\n`,
    html: [
      `<h1>${escaped(subject)}</h1>`,
      ...lines.map(paragraph),
      ...links.map(link),
      ...footer.map(paragraph),
    ].join('\n'),
  };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
