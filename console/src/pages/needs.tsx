import { translated } from '../api/errors';
import { type Mode, MODES, type Schema } from '../api/types';
import { destinationPath, projectPath } from '../shell/paths';
import { text } from '../text';
import { dayOf, exactTime } from '../text/format';

/** Something that a person should do. */
export interface Need {
  key: string;
  tone: 'bad' | 'warn' | 'info';
  title: string;
  about: string;
  href: string;
  action: string;
}

type Config = Schema<'StripeConfigResponse'> | null;
type Status = Schema<'StripeConfigStatusResponse'>;

const RECENT_MS = 24 * 3_600_000;
/** As many refused deliveries in a row are a problem of the project, which operators see too. */
const MANY_REFUSED = 5;

function needsOfMode(
  id: string,
  mode: Mode,
  { state, last_error, webhook }: Schema<'StripeModeStatus'>,
): Need[] {
  const needs: Need[] = [];
  if (state === 'invalid')
    needs.push({
      key: `${mode}-invalid`,
      tone: 'bad',
      title: text.needs.invalid(text.mode.of[mode]),
      about: translated(last_error ?? ''),
      href: projectPath(id, 'stripe'),
      action: text.needs.replaceKey,
    });
  needs.push(...needsOfWebhook(id, mode, webhook));
  const isExplained = webhook.signature_failures >= MANY_REFUSED;
  if (
    !isExplained &&
    webhook.last_failure_at !== null &&
    Date.now() - Date.parse(webhook.last_failure_at) < RECENT_MS
  )
    needs.push({
      key: `${mode}-failure`,
      tone: 'warn',
      title: text.needs.failure(text.mode.of[mode]),
      about: translated(webhook.last_failure_reason ?? ''),
      href: `${projectPath(id, 'events')}?mode=${mode}`,
      action: text.needs.showEvents,
    });
  return needs;
}

function needsOfWebhook(
  id: string,
  mode: Mode,
  {
    endpoint_problem,
    silent_since,
    signature_failures,
    signature_failure_cause,
    former_secret_valid_until,
    former_secret_used_at,
  }: Schema<'StripeWebhookStatus'>,
): Need[] {
  const needs: Need[] = [];
  const toStripe = { href: projectPath(id, 'stripe'), action: text.needs.openStripe };
  if (endpoint_problem !== null)
    needs.push({
      key: `${mode}-endpoint`,
      tone: 'bad',
      title: text.needs.endpoint(text.mode.of[mode]),
      about: text.needs.endpointProblems[endpoint_problem],
      ...toStripe,
    });
  if (silent_since !== null)
    needs.push({
      key: `${mode}-silent`,
      tone: 'bad',
      title: text.needs.silent(text.mode.of[mode]),
      about: text.needs.silentAbout(dayOf(silent_since)),
      ...toStripe,
    });
  if (signature_failures >= MANY_REFUSED)
    needs.push({
      key: `${mode}-signatures`,
      tone: 'bad',
      title: text.needs.signatures(text.mode.of[mode]),
      about: text.needs.signatureCauses[signature_failure_cause ?? 'wrong_secret'],
      ...toStripe,
    });
  const left = Date.parse(former_secret_valid_until ?? '') - Date.now();
  if (former_secret_valid_until !== null && former_secret_used_at !== null && left < RECENT_MS)
    needs.push({
      key: `${mode}-former`,
      tone: 'warn',
      title: text.needs.former(text.mode.of[mode]),
      about: text.needs.formerAbout(exactTime(former_secret_valid_until)),
      ...toStripe,
    });
  return needs;
}

const URGENCY = { bad: 0, warn: 1, info: 2 };
/** Sorts the most urgent first. */
export const byUrgency = (one: Need, other: Need): number => URGENCY[one.tone] - URGENCY[other.tone];

/** The most urgent first. */
export function needsOf(
  id: string,
  {
    config,
    status,
    problems,
    destinations,
  }: {
    config: Config;
    status: Status;
    problems: { failed: number; unreadable: number };
    destinations: readonly Schema<'EventDestinationResponse'>[];
  },
): Need[] {
  const needs = MODES.flatMap((mode) => needsOfMode(id, mode, status[mode]));
  if (status.gateway_paused)
    needs.push({
      key: 'gateway',
      tone: 'warn',
      title: text.needs.gatewayPaused,
      about: text.needs.gatewayPausedAbout,
      href: `${projectPath(id, 'access')}?tab=gateway`,
      action: text.needs.showGateway,
    });
  if (problems.failed > 0)
    needs.push({
      key: 'failed',
      tone: 'bad',
      title: text.needs.failed(problems.failed),
      about: text.needs.failedAbout,
      href: `${projectPath(id, 'events')}?outcome=failed`,
      action: text.needs.showEvents,
    });
  if (problems.unreadable > 0)
    needs.push({
      key: 'unreadable',
      tone: 'warn',
      title: text.needs.unreadable(problems.unreadable),
      about: text.needs.unreadableAbout,
      href: `${projectPath(id, 'events')}?outcome=unreadable`,
      action: text.needs.showEvents,
    });
  for (const each of destinations) {
    if (each.failing_since === null && each.disabled_reason === null) continue;
    needs.push({
      key: each.id,
      tone: 'bad',
      title: text.needs.destination(each.description ?? each.url),
      about: each.enabled ? text.needs.destinationAbout : text.needs.destinationOffAbout,
      href: destinationPath(id, each.id),
      action: text.needs.showDeliveries,
    });
  }
  for (const { code, field, message } of config?.warnings ?? [])
    needs.push({
      key: `${code}-${field}`,
      tone: 'warn',
      title: text.warnings[code](text.mode.of[field.startsWith('test') ? 'test' : 'live']),
      about: message,
      href: projectPath(id, 'stripe'),
      action: text.needs.openStripe,
    });
  if (MODES.every((mode) => status[mode].state === 'not_configured'))
    needs.push({
      key: 'empty',
      tone: 'info',
      title: text.needs.noKey,
      about: text.needs.noKeyAbout,
      href: projectPath(id, 'stripe'),
      action: text.needs.addKey,
    });
  return needs.sort(byUrgency);
}
