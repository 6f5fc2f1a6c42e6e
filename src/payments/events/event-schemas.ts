import { STRIPE_MODES } from '../stripe/stripe-mode.js';

/** A JSON Schema of OpenAPI 3.1 with an example. */
export interface Schema {
  readonly type: string | readonly string[];
  readonly description: string;
  readonly example?: unknown;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

const text = (description: string, example: string): Schema => ({ type: 'string', description, example });
const uuid = (description: string, example: string): Schema => ({
  ...text(description, example),
  format: 'uuid',
});
const time = (description: string, example = '2026-11-21T09:30:00.000Z'): Schema => ({
  ...text(description, example),
  format: 'date-time',
});
const whole = (description: string, example: number): Schema => ({ type: 'integer', description, example });
const oneOf = (description: string, words: readonly string[], example = words[0]): Schema => ({
  type: 'string',
  description,
  enum: words,
  example,
});

/** @param example `null` where the story has no value */
function orNull({ type, enum: words, example, ...schema }: Schema, isNull = false): Schema {
  return {
    ...schema,
    type: [type, 'null'].flat(),
    ...(words && { enum: [...words, null] }),
    ...(isNull ? { example: null } : example !== undefined && { example }),
  };
}

export function object(description: string, properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', description, properties, required: Object.keys(properties) };
}

/** The example of a schema; an object's consists of those of its properties. */
export function exampleOf({ example, properties }: Schema): unknown {
  if (example !== undefined || !properties) return example;
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, exampleOf(schema)]));
}

const VERSION = whole(
  'Grows with each change of the object. Drop an event with a lower one than you have.',
  2,
);
const TIMED_VERSION = whole(
  "Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.",
  1_795_253_400_000_000,
);
const SUBSCRIPTION_ID = 'b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24';
const USER = orNull(uuid("The user's id; `null` if unknown.", '0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35'));
const CUSTOMER = orNull(text("Stripe's id of the customer.", 'cus_aaaaaaaaaaaaaa'));
const CURRENCY = text('ISO 4217, in lower case.', 'usd');
const PERIOD_END = '2026-12-21T09:30:00.000Z';

const SUBSCRIPTION_FIELDS = {
  id: uuid('Our id.', SUBSCRIPTION_ID),
  version: VERSION,
  subscription_id: text("Stripe's id.", 'sub_aaaaaaaaaaaaaaaaaaaaaaaa'),
  user_id: USER,
  customer_id: CUSTOMER,
  status: text("Stripe's status.", 'active'),
  price_id: orNull(text("Stripe's id of the price.", 'price_aaaaaaaaaaaaaaaaaaaaaaaa')),
  plan_name: orNull(text('The name of the plan.', 'Pro')),
  quantity: whole('How many of it.', 1),
  current_period_start: orNull(time('When the current period began.')),
  current_period_end: orNull(time('When the current period ends.', PERIOD_END)),
  cancel_at: orNull(time('When it is going to end.', PERIOD_END), true),
  cancelled_at: orNull(time('When somebody asked to cancel it.'), true),
  pause: orNull(
    object('The pause; `null` if it is not paused.', {
      behavior: orNull(text('What Stripe does with invoices meanwhile.', 'void')),
      resumes_at: orNull(time('When Stripe collects payments again.', PERIOD_END)),
      reason: orNull(text('Why the status is `paused`.', 'pause_requested')),
    }),
    true,
  ),
  created_at: time('When Stripe made it.'),
};
export const SUBSCRIPTION = object('The subscription, as Stripe last reported it.', SUBSCRIPTION_FIELDS);
export const TRIALING_SUBSCRIPTION = object('The subscription, as Stripe last reported it.', {
  ...SUBSCRIPTION_FIELDS,
  status: { ...SUBSCRIPTION_FIELDS.status, example: 'trialing' },
});

const PAYMENT_FIELDS = {
  id: uuid('Our id.', '9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47'),
  version: VERSION,
  payment_intent_id: text("Stripe's id.", 'pi_aaaaaaaaaaaaaaaaaaaaaaaa'),
  user_id: USER,
  customer_id: CUSTOMER,
  subscription_id: orNull(uuid('Our id of the subscription that it pays for.', SUBSCRIPTION_ID)),
  status: text("Stripe's status, or `partially_refunded` or `refunded`.", 'succeeded'),
  amount_cents: whole('In minor units.', 2_000),
  currency: CURRENCY,
  source: oneOf('Who collected the money.', ['stripe', 'out_of_band']),
  refunded_amount_cents: whole('In minor units.', 0),
  description: orNull(text('What it was for.', 'Subscription creation')),
  created_at: time('When Stripe made it.'),
};
export const PAYMENT = object('The payment, as Stripe last reported it.', PAYMENT_FIELDS);
export const REFUNDED_PAYMENT = object('The payment, as Stripe last reported it.', {
  ...PAYMENT_FIELDS,
  status: { ...PAYMENT_FIELDS.status, example: 'partially_refunded' },
  refunded_amount_cents: whole('In minor units.', 500),
});
export const FAILED_PAYMENT = object('The payment, as Stripe last reported it.', {
  ...PAYMENT_FIELDS,
  status: { ...PAYMENT_FIELDS.status, example: 'requires_payment_method' },
});
export const PAYMENT_OR_NULL = orNull({
  ...PAYMENT,
  description: 'The payment; `null` while the ledger does not have it.',
});
export const REFUNDED_NOW = whole('By how much the refunded amount grew, in minor units.', 500);

const dispute = (status: string) =>
  object('The dispute, as Stripe last reported it.', {
    id: uuid('Our id.', '5e1f8c5b-3a47-4d9a-8e7d-152c834b6fa0'),
    version: VERSION,
    dispute_id: text("Stripe's id.", 'dp_aaaaaaaaaaaaaaaaaaaaaaaa'),
    payment_intent_id: orNull(text("Stripe's id of the payment.", 'pi_aaaaaaaaaaaaaaaaaaaaaaaa')),
    status: text("Stripe's status.", status),
    reason: orNull(text("The customer's reason, in Stripe's words.", 'product_not_received')),
    amount_cents: whole('In minor units.', 2_000),
    currency: CURRENCY,
    created_at: time('When Stripe made it.'),
  });
export const DISPUTE = dispute('needs_response');
export const CLOSED_DISPUTE = dispute('won');

/** @param ofBoth when the mode is `null` */
export function modeSchema(ofBoth?: 'always' | 'sometimes'): Schema {
  if (ofBoth === 'always')
    return { type: 'null', description: '`null`: it concerns both modes.', example: null };
  const mode = oneOf("Stripe's mode.", ['test', 'live']);
  return ofBoth ? orNull({ ...mode, description: "Stripe's mode; `null` if it concerns both." }) : mode;
}

const FIELD = `${STRIPE_MODES[0]}_secret_key`;
export const CONFIG = object('The Stripe configuration. Credentials are never in an event.', {
  version: whole('Its version, which is its `ETag` too.', 3),
  fields: {
    type: 'array',
    description: 'Names of the credentials that were stored or destroyed.',
    items: text('A name in the API.', FIELD),
    example: [FIELD],
  },
});
export const CREDENTIALS = object('The credentials of the mode.', { version: TIMED_VERSION });
export const REASON = text(
  'Why Stripe does not accept the key.',
  'Stripe refuses this key; it was rolled, revoked or has expired.',
);

export const MEMBER = object('The person.', {
  version: TIMED_VERSION,
  subject: text('The `sub` of the person’s access tokens.', 'developer-2'),
  role: oneOf(
    'The role in the project, with `member.removed` the former one.',
    ['viewer', 'admin', 'owner'],
    'admin',
  ),
});

export const ENDPOINT = object('The webhook endpoint at Stripe.', {
  id: text("Stripe's id.", 'we_aaaaaaaaaaaaaaaaaaaaaaaa'),
  version: TIMED_VERSION,
});
export const ANY_ENDPOINT = object('The webhook endpoint at Stripe.', {
  id: orNull(text("Stripe's id; `null` if it was not made here.", 'we_aaaaaaaaaaaaaaaaaaaaaaaa')),
  version: TIMED_VERSION,
});
export const LAST_EVENT_AT = time('When the last event arrived.');
export const MISSED_EVENTS = whole(
  'Events of Stripe since then that never arrived, counted up to 1,000.',
  12,
);
export const SIGNATURES = object('The signatures of deliveries in the mode.', { version: TIMED_VERSION });
export const SIGNATURE_CAUSE = oneOf(
  'The likely cause. `wrong_secret`: the stored secret is not that of the endpoint. `other_mode`: the deliveries are signed with the secret of the other mode. `changed_body`: a proxy changes the bodies.',
  ['wrong_secret', 'other_mode', 'changed_body'],
);
export const SIGNATURE_FAILURES = whole('Deliveries refused since the last one that was accepted.', 5);
export const SIGNATURES_SINCE = time('When the first of them arrived.');
export const RECONCILE = object('The run.', {
  version: TIMED_VERSION,
  since: time('Events since then were compared.'),
  missed_events: whole('Events that were applied now, and had never arrived.', 3),
  repaired_subscriptions: whole('Subscriptions that differed from those at Stripe.', 1),
});
export const FORMER_SECRET = object('The former webhook secret.', {
  version: TIMED_VERSION,
  valid_until: time('When it ends.', '2026-11-22T09:00:00.000Z'),
  last_used_at: time('When a delivery last had its signature, and none of the current secret.'),
});
export const ENDPOINT_PROBLEM = oneOf(
  '`missing`: Stripe does not have it. `disabled`: Stripe sends nothing. `other_url`: it has another URL, as after a change of `PUBLIC_BASE_URL`. `missing_events`: it lacks types. `old_version`: its API version is from before 2018.',
  ['disabled', 'missing', 'other_url', 'missing_events', 'old_version'],
);
export const CONNECT_LINK = object('The link that was used.', {
  id: uuid('Its id.', 'c3e9a1d7-4b68-4f25-8a90-7d1c5e3b6f42'),
  version: TIMED_VERSION,
  state: orNull(text('The text that was given with the link.', 'tenant-4711')),
});

export const MISSING_ENDPOINT = orNull(
  text(
    'Why the key is stored but there is no webhook endpoint; `null` if there is one.',
    'Stripe can not be reached at the moment; try again shortly.',
  ),
);

export const DESTINATION = object('The destination.', {
  id: uuid('Its id.', '7d2c9b1e-4f83-4a6d-9c50-8b1e6f3a2d74'),
  version: VERSION,
  description: orNull(text('Its description.', 'Billing backend')),
  failing_since: orNull(time('When the first attempt since its last success failed.')),
});
export const DISABLED_REASON = oneOf('`gone`: it answered 410. `failing`: it failed for five days.', [
  'failing',
  'gone',
]);
