import fc from 'fast-check';
import type { StripeMode } from '../../../src/payments/stripe/stripe-mode.js';
import { rowsOf } from '../database/rows.js';
import { anEvent, aPayment, type EventBody, receiverPath, signatureOf } from './signed-events.js';
import { configPath, type TestApp } from '../test-app.js';

const AT_ONCE = 20;
const NOW = () => Math.floor(Date.now() / 1000);

const FORGERIES = [
  'wrong_signature',
  'missing_signature',
  'malformed_signature',
  'too_old',
  'from_the_future',
  'wrong_mode',
] as const;
type Forgery = (typeof FORGERIES)[number];

interface Step {
  /** One of a few indexes, so that most events are repeated. */
  readonly event: number;
  readonly project: number;
  readonly mode: StripeMode;
  readonly forgery: Forgery | null;
}

const PROJECTS = 2;

/** New, repeated and forged events in any order. */
export function deliveryStream(length: number): fc.Arbitrary<Step[]> {
  const step = fc.record({
    event: fc.nat({ max: Math.ceil(length / 8) }),
    project: fc.nat({ max: PROJECTS - 1 }),
    mode: fc.constantFrom<StripeMode>('test', 'live'),
    forgery: fc.option(fc.constantFrom(...FORGERIES), { freq: 3 }),
  });
  return fc.array(step, { minLength: length, maxLength: length });
}

const secretOf = (project: number, mode: StripeMode) =>
  `whsec_${(mode === 'test' ? 'tv' : 'lm').charAt(project).repeat(32)}`;

/** Delivers the stream concurrently, and compares the stored rows with a plain model. */
export async function followsModel(app: TestApp, steps: readonly Step[]): Promise<void> {
  const projects: string[] = [];
  for (let project = 0; project < PROJECTS; project += 1) {
    const id = await app.createProject();
    const secrets = {
      test_webhook_secret: secretOf(project, 'test'),
      live_webhook_secret: secretOf(project, 'live'),
    };
    await app.send('put', configPath(id)).send(secrets).expect(200);
    projects.push(id);
  }
  const events = new Map<string, EventBody>();
  const eventOf = ({ event, project, mode }: Step): EventBody => {
    const key = `${project} ${mode} ${event}`;
    const known = events.get(key) ?? (event % 5 === 0 ? anEvent : aPayment)({ livemode: mode === 'live' });
    events.set(key, known);
    return known;
  };
  const expected = model(steps, eventOf, projects);
  for (let index = 0; index < steps.length; index += AT_ONCE) {
    const batch = steps.slice(index, index + AT_ONCE);
    const answers = await Promise.all(
      batch.map((step) => send(app, projects[step.project] ?? '', step, eventOf(step))),
    );
    expect(answers).toEqual(batch.map(({ forgery }) => (forgery ? 400 : 200)));
  }
  expect(await stored(app, projects)).toEqual(expected);
}

interface Stored {
  /** Deliveries after the first, by event. */
  duplicates: Record<string, number>;
  payments: string[];
  refusals: Record<string, number>;
}

function model(
  steps: readonly Step[],
  eventOf: (step: Step) => EventBody,
  projects: readonly string[],
): Stored {
  const duplicates: Record<string, number> = {};
  const payments: string[] = [];
  const refusals: Record<string, number> = {};
  for (const step of steps) {
    const place = `${projects[step.project]} ${step.mode}`;
    const { id, type } = eventOf(step);
    if (step.forgery) {
      const key = `${place} ${step.forgery}`;
      refusals[key] = (refusals[key] ?? 0) + 1;
      continue;
    }
    const key = `${place} ${id}`;
    if (duplicates[key] === undefined && type === 'payment_intent.succeeded')
      payments.push(`${place} ${id.replace('evt_', 'pi_')}`);
    duplicates[key] = (duplicates[key] ?? -1) + 1;
  }
  return { duplicates, payments: payments.sort(), refusals };
}

type PlacedRow = Record<string, unknown> & { place: string };

async function stored(app: TestApp, projects: readonly string[]): Promise<Stored> {
  for (const id of projects)
    await app.send('get', configPath(id).replace(/config$/, 'webhook-events')).expect(200);
  const rows = async (table: string): Promise<PlacedRow[]> =>
    (await rowsOf(app.database, table))
      .filter(({ project_id: id }) => projects.includes(String(id)))
      .map((row) => ({ ...row, place: `${String(row['project_id'])} ${String(row['mode'])}` }));
  return {
    duplicates: Object.fromEntries(
      (await rows('webhook_events')).map(({ place, id, duplicates }) => [
        `${place} ${String(id)}`,
        Number(duplicates),
      ]),
    ),
    payments: (await rows('stripe_payments'))
      .map(({ place, payment_intent_id: id }) => `${place} ${String(id)}`)
      .sort(),
    refusals: Object.fromEntries(
      (await rows('webhook_refusals')).map(({ place, reason, count }) => [
        `${place} ${String(reason)}`,
        Number(count),
      ]),
    ),
  };
}

async function send(app: TestApp, projectId: string, step: Step, event: EventBody): Promise<number> {
  const body = JSON.stringify(
    step.forgery === 'wrong_mode' ? { ...event, livemode: step.mode === 'test' } : event,
  );
  const signature = signatureFor(step, body);
  const request = app
    .send('post', receiverPath(projectId, step.mode), null)
    .set('content-type', 'application/json');
  return (await (signature === undefined ? request : request.set('stripe-signature', signature)).send(body))
    .status;
}

function signatureFor({ project, mode, forgery }: Step, body: string): string | undefined {
  const secret = secretOf(project, mode);
  switch (forgery) {
    case null:
    case 'wrong_mode':
      return signatureOf(body, secret);
    case 'wrong_signature':
      return signatureOf(body, secretOf((project + 1) % PROJECTS, mode));
    case 'missing_signature':
      return undefined;
    case 'malformed_signature':
      return signatureOf(body, secret).replace('t=', 'time=');
    case 'too_old':
      return signatureOf(body, secret, NOW() - 400);
    case 'from_the_future':
      return signatureOf(body, secret, NOW() + 400);
  }
}
