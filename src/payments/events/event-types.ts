import * as schemas from './event-schemas.js';
import { exampleOf, object, type Schema } from './event-schemas.js';

interface EventTypeRule {
  /** When the event is sent, as a sentence. */
  readonly when: string;
  readonly data: Readonly<Record<string, Schema>>;
  /** When its `mode` is `null`, since it concerns both. */
  readonly ofBothModes?: 'always' | 'sometimes';
  /** The object in `data` whose version is the time of the event, since it has no other. In camel case. */
  readonly timed?: string;
}

/**
 * Every event that leaves this service. Filters, `docs/events.md`, the `webhooks` of the OpenAPI document and
 * `PaymentsEvents` derive from this table.
 */
export const EVENT_TYPES = {
  'subscription.created': {
    when: 'A subscription is seen for the first time.',
    data: { subscription: schemas.SUBSCRIPTION },
  },
  'subscription.updated': {
    when: 'A subscription changes, and neither is new nor ends with the change.',
    data: { subscription: schemas.SUBSCRIPTION },
  },
  'subscription.ended': {
    when: 'The status becomes `canceled` or `incomplete_expired`, which are final.',
    data: { subscription: schemas.SUBSCRIPTION },
  },
  'subscription.trial_ending': {
    when: 'Stripe announces the end of a trial, usually three days before it. `current_period_end` is the end.',
    data: { subscription: schemas.TRIALING_SUBSCRIPTION },
  },
  'payment.succeeded': {
    when: 'A payment succeeds, or changes later other than by a refund.',
    data: { payment: schemas.PAYMENT },
  },
  'payment.failed': {
    when: 'An attempt to pay fails, the payment is cancelled, or such a payment changes.',
    data: { payment: schemas.FAILED_PAYMENT },
  },
  'payment.refunded': {
    when: 'The refunded amount of a payment grows.',
    data: { payment: schemas.REFUNDED_PAYMENT, refunded_now_cents: schemas.REFUNDED_NOW },
  },
  'payment.disputed': {
    when: 'A dispute about a payment is opened, or its status changes.',
    data: { dispute: schemas.DISPUTE, payment: schemas.PAYMENT_OR_NULL },
  },
  'payment.dispute_closed': {
    when: 'The status of a dispute becomes `won`, `lost` or `warning_closed`.',
    data: { dispute: schemas.CLOSED_DISPUTE, payment: schemas.PAYMENT_OR_NULL },
  },
  'config.updated': {
    when: 'Credentials are stored, or some of them destroyed.',
    data: { config: schemas.CONFIG },
    ofBothModes: 'sometimes',
  },
  'config.deleted': {
    when: 'The Stripe configuration is deleted with all credentials.',
    data: { config: schemas.CONFIG },
    ofBothModes: 'always',
  },
  'credentials.invalid': {
    when: 'Stripe refuses a stored secret key for the first time since it was stored or accepted.',
    data: { credentials: schemas.CREDENTIALS, reason: schemas.REASON },
    timed: 'credentials',
  },
  'credentials.recovered': {
    when: 'Stripe accepts the secret key of a mode whose last known key it refused.',
    data: { credentials: schemas.CREDENTIALS },
    timed: 'credentials',
  },
  'credentials.expiring': {
    when: 'A former webhook secret ends within 24 hours, and signed the last delivery.',
    data: { webhook_secret: schemas.FORMER_SECRET },
    timed: 'webhookSecret',
  },
  'endpoint.disabled': {
    when: 'The daily check finds that the webhook endpoint made here brings no events, or not all.',
    data: { endpoint: schemas.ENDPOINT, problem: schemas.ENDPOINT_PROBLEM },
    timed: 'endpoint',
  },
  'endpoint.recovered': {
    when: 'The last problem of the webhook endpoint ends: it is in order or made again, and not silent.',
    data: { endpoint: schemas.ANY_ENDPOINT },
    timed: 'endpoint',
  },
  'endpoint.silent': {
    when: 'A project that usually gets events got none for long, and Stripe has some that never arrived.',
    data: {
      endpoint: schemas.ANY_ENDPOINT,
      last_event_at: schemas.LAST_EVENT_AT,
      missed_events: schemas.MISSED_EVENTS,
    },
    timed: 'endpoint',
  },
  'signatures.failing': {
    when: 'Five deliveries in a row are refused for their signature.',
    data: {
      signatures: schemas.SIGNATURES,
      cause: schemas.SIGNATURE_CAUSE,
      failures: schemas.SIGNATURE_FAILURES,
      since: schemas.SIGNATURES_SINCE,
    },
    timed: 'signatures',
  },
  'reconcile.repaired': {
    when: 'Reconcile applied events that had never arrived, or corrected subscriptions; once for each run.',
    data: { reconcile: schemas.RECONCILE },
    timed: 'reconcile',
  },
  'member.added': {
    when: 'Somebody joins a project, also by an invitation, or as its owner by a transfer to a stranger.',
    data: { member: schemas.MEMBER },
    timed: 'member',
    ofBothModes: 'always',
  },
  'member.removed': {
    when: 'Somebody leaves a project or is removed, also because the account is deleted.',
    data: { member: schemas.MEMBER },
    timed: 'member',
    ofBothModes: 'always',
  },
  'connect.completed': {
    when: 'A tenant connects Stripe on the page of a connect link.',
    data: { connect_link: schemas.CONNECT_LINK, endpoint_problem: schemas.MISSING_ENDPOINT },
    timed: 'connectLink',
  },
  'destination.failing': {
    when: 'Every attempt to deliver to a destination failed for one day, and again after three days.',
    data: { destination: schemas.DESTINATION },
    ofBothModes: 'always',
  },
  'destination.disabled': {
    when: 'A destination is disabled because it answered 410, or failed for five days.',
    data: { destination: schemas.DESTINATION, reason: schemas.DISABLED_REASON },
    ofBothModes: 'always',
  },
  'destination.test': {
    when: 'Somebody asks for a test. It goes to that destination only, whichever types it receives.',
    data: { destination: schemas.DESTINATION },
    ofBothModes: 'always',
  },
} as const satisfies Record<string, EventTypeRule>;

export type EventType = keyof typeof EVENT_TYPES;

export const EVENT_TYPE_NAMES = Object.keys(EVENT_TYPES) as readonly EventType[];

/** Types that a destination can ask for. */
export const SUBSCRIBABLE_TYPES = EVENT_TYPE_NAMES.filter((type) => type !== 'destination.test');

const EXAMPLE_ID = '019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34';
const EXAMPLE_PROJECT = '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11';

/** The schema of an event as destinations and consumers get it, with an example. */
export function eventSchema(type: EventType): Schema & { readonly example: unknown } {
  const { when, data, ofBothModes }: EventTypeRule = EVENT_TYPES[type];
  const schema = object(when, {
    id: {
      type: 'string',
      format: 'uuid',
      description: 'Equal in all attempts and all destinations: handle an event once.',
      example: EXAMPLE_ID,
    },
    type: { type: 'string', description: 'What happened.', enum: [type], example: type },
    timestamp: {
      type: 'string',
      format: 'date-time',
      description: 'When it happened.',
      example: '2026-11-21T09:30:00.000Z',
    },
    project_id: {
      type: ['string', 'null'],
      format: 'uuid',
      description: "The project; `null` for the operator's own destinations.",
      example: EXAMPLE_PROJECT,
    },
    mode: schemas.modeSchema(ofBothModes),
    data: object('What it is about.', data),
  });
  return { ...schema, example: exampleOf(schema) };
}
