import type { ProjectId } from '../../../src/common/ids.js';
import { Database } from '../../../src/database/database.js';
import { AlertsService } from '../../../src/payments/alerts/alerts.service.js';
import { ALERT_TYPES } from '../../../src/payments/alerts/alert-texts.js';
import { DestinationsRepository } from '../../../src/payments/events/destinations/destinations.repository.js';
import { EventLog } from '../../../src/payments/events/event-log.js';
import type { DurableEvent } from '../../../src/payments/payments-events.js';
import type { StripeMode } from '../../../src/payments/stripe/stripe-mode.js';
import { rowsOf } from '../../harness/database/rows.js';
import { eventually } from '../../harness/eventually.js';
import { TestSmtpServer } from '../../harness/servers/smtp-server.js';
import { OWNER, startTestApp, type TestApp } from '../../harness/test-app.js';
import { accessToken } from '../../harness/tokens.js';

const SCOPE = 'tillkeeper:operate';
const MINUTE_MS = 60_000;

let app: TestApp;
let smtp: TestSmtpServer;
let projectId: ProjectId;
let number = 0;

beforeAll(async () => {
  smtp = new TestSmtpServer();
  const environment = {
    SMTP_URL: await smtp.start(),
    MAIL_FROM: 'Tillkeeper <pay@example.com>',
    OPERATOR_MAIL: 'ops@example.com',
    PUBLIC_BASE_URL: 'https://pay.example.com',
    AUTH_OPERATOR_SCOPE: SCOPE,
    CONSOLE: 'true',
  };
  app = await startTestApp({ environment });
});
afterAll(async () => {
  await app.close();
  await smtp.stop();
});
beforeEach(async () => {
  smtp.isFull = false;
  number += 1;
  projectId = (await app.createProject(OWNER, `Shop <${number}>`)) as ProjectId;
  await choose({ notify_email: address('owner') }).expect(200);
});

const address = (name: string) => `${name}-${number}@example.com`;
const pathOf = (suffix: string) => `/api/v1/projects/${projectId}/members${suffix}`;
const choose = (body: object, token = OWNER) =>
  app.send('put', pathOf('/me/notifications'), token).send(body);
const add = (subject: string, role: string) =>
  app.send('post', pathOf('')).send({ subject, role }).expect(201);
const tell = (event: DurableEvent) =>
  app.app.get(Database).transaction(() => app.app.get(EventLog).add(event));
const refused = (mode: StripeMode = 'test') =>
  tell(['credentials.invalid', { projectId, mode, reason: 'It was revoked.' }]);
const recovered = () => tell(['credentials.recovered', { projectId, mode: 'test' }]);
const send = (minutes = 0) => app.app.get(AlertsService).send(new Date(Date.now() + minutes * MINUTE_MS));
/** Waits until the listener has had all events. */
const handled = () =>
  eventually(async () => {
    const waiting = await rowsOf(app.database, 'events WHERE due_at IS NOT NULL');
    expect(waiting.filter(({ type }) => ALERT_TYPES.some((each) => each === type))).toEqual([]);
  });
/** Waits until each mail that was begun is finished: a later time would lease it again. */
const noneUnderWay = () =>
  eventually(async () =>
    expect(await rowsOf(app.database, 'alert_mails WHERE attempts > 0 AND due_at IS NOT NULL')).toEqual([]),
  );
/** Subjects of the mails of this test, by address. */
const mails = () =>
  smtp.mails
    .filter(({ to }) => to.some((each) => each.endsWith(`-${number}@example.com`)))
    .map(({ to, content }) => `${to.join()} ${/^Subject: (.*)$/m.exec(content)?.[1] ?? ''}`.trim())
    .sort();
const expectMails = (...expected: string[]) =>
  eventually(async () => {
    await send();
    expect(mails()).toEqual(expected);
  });
const about = (name: string, text: string) => `${address(name)} Shop <${number}>: ${text}`;
const REFUSED = 'Stripe refuses the test key';
const LIVE_REFUSED = 'Stripe refuses the live key';
const ACCEPTED = 'Stripe accepts the test key again';

it('goes to the owner and to admins, once a day for each problem', async () => {
  await add('grace', 'admin');
  await add('vera', 'viewer');
  for (const subject of ['grace', 'vera'])
    await choose({ notify_email: address(subject) }, accessToken({ sub: subject })).expect(200);
  await refused();
  await expectMails(about('grace', REFUSED), about('owner', REFUSED));
  await recovered();
  await handled();
  await refused();
  await expectMails(
    about('grace', ACCEPTED),
    about('grace', REFUSED),
    about('owner', ACCEPTED),
    about('owner', REFUSED),
  );
  const { content = '' } = smtp.mails.find(({ to }) => to.includes(address('owner'))) ?? {};
  expect(content).toMatch(/^Content-Type: multipart\/alternative/m);
  expect(content).toContain(`<h1>Shop &lt;${number}&gt;: `);
  expect(content).toContain(`https://pay.example.com/console/projects/${projectId}`);
});

it('tells a day later that a key is refused again, unless it was accepted meanwhile', async () => {
  const between = async (...told: (() => Promise<unknown>)[]) => {
    for (const tellIt of told) {
      await tellIt();
      await handled();
    }
  };
  await between(refused, recovered, refused, recovered);
  await expectMails(about('owner', ACCEPTED), about('owner', REFUSED));
  await noneUnderWay();
  await send(25 * 60);
  expect(mails()).toEqual([about('owner', ACCEPTED), about('owner', REFUSED)]);
  await between(refused);
  await send();
  expect(mails()).toHaveLength(2);
  await send(25 * 60);
  expect(mails()).toEqual([about('owner', ACCEPTED), about('owner', REFUSED), about('owner', REFUSED)]);
});

it('goes to nobody who switched it off or left, and shows where it goes', async () => {
  await choose({ enabled: false }).expect(200, {
    enabled: false,
    notify_email: address('owner'),
    address: address('owner'),
  });
  await add('grace', 'admin');
  const grace = accessToken({ sub: 'grace', email: address('claim'), email_verified: true });
  const shown = async () =>
    (await app.send('get', pathOf('/me/notifications'), grace).expect(200)).body as object;
  await eventually(async () =>
    expect(await shown()).toEqual({ enabled: true, notify_email: null, address: address('claim') }),
  );
  await choose({ notify_email: address('grace') }, grace).expect(200);
  await choose({ notify_email: 'nonsense' }, grace).expect(422);
  await choose({ notify_email: null }, grace).expect(200);
  await add('left', 'admin');
  const left = accessToken({ sub: 'left' });
  await choose({ notify_email: address('left') }, left).expect(200);
  await app.send('delete', pathOf('/left')).expect(204);
  await refused();
  await expectMails(about('claim', REFUSED));
  await add('left', 'viewer');
  const { body } = await app.send('get', pathOf('/me/notifications'), left).expect(200);
  expect(body).toEqual({ enabled: true, notify_email: null, address: null });
});

it('does not go to an address of a token that is not verified', async () => {
  await add('mallory', 'admin');
  const token = accessToken({ sub: 'mallory', email: address('mallory') });
  const { body } = await app.send('get', pathOf('/me/notifications'), token).expect(200);
  expect(body).toMatchObject({ address: null });
});

it('is sent again after the mail server refused it', async () => {
  smtp.isFull = true;
  await refused();
  await eventually(async () => {
    await send();
    expect(app.log.filter((line) => line.includes('A mail could not be sent')).length).toBeGreaterThan(0);
  });
  smtp.isFull = false;
  await send();
  expect(mails()).toEqual([]);
  await send(2);
  expect(mails()).toEqual([about('owner', REFUSED)]);
});

it('tells of the live key while a mail about the test key waits', async () => {
  for (const tellIt of [refused, recovered, refused]) {
    await tellIt();
    await handled();
  }
  await refused('live');
  const today = [about('owner', ACCEPTED), about('owner', REFUSED), about('owner', LIVE_REFUSED)].sort();
  await expectMails(...today);
  await noneUnderWay();
  await send(25 * 60);
  expect(mails()).toEqual([...today, about('owner', REFUSED)].sort());
});

describe('about destinations', () => {
  const repository = () => app.app.get(DestinationsRepository);
  const pathOfHolder = (holder: ProjectId | null) =>
    holder === null
      ? '/api/v1/operator/event-destinations'
      : `/api/v1/payments/stripe/projects/${holder}/event-destinations`;
  const tokenOf = (holder: ProjectId | null) =>
    holder === null ? accessToken({ sub: 'operator-1', scope: SCOPE }) : OWNER;
  const make = async (holder: ProjectId | null, description: string | null) => {
    const url = `https://hooks.example.com/${'k'.repeat(20)}?token=${'t'.repeat(20)}`;
    const { body } = await app
      .send('post', pathOfHolder(holder), tokenOf(holder))
      .send({ url, description })
      .expect(201);
    return (body as { id: string }).id;
  };
  const disable = (holder: ProjectId | null, id: string, reason: 'gone' | 'failing' = 'gone') =>
    repository().disable({ id, projectId: holder }, reason);
  const enable = (holder: ProjectId | null, id: string) =>
    app
      .send('put', `${pathOfHolder(holder)}/${id}`, tokenOf(holder))
      .send({ enabled: true })
      .expect(200);
  const DISABLED = 'An event destination was disabled';
  const contents = () =>
    smtp.mails
      .filter(({ to, content }) => content.includes(DISABLED) && to.includes(address('owner')))
      .map(({ content }) => content);

  it('tells of each destination that is disabled on one day, by host and id', async () => {
    const ids = [await make(projectId, null), await make(projectId, 'Billing'), await make(projectId, null)];
    for (const [index, id] of ids.entries()) await disable(projectId, id, index === 1 ? 'failing' : 'gone');
    await expectMails(...ids.map(() => about('owner', DISABLED)));
    const text = contents().join();
    expect(text).toContain(`The destination (hooks.example.com, ${ids[0]}) answered 410.`);
    expect(text).toContain(`Billing (hooks.example.com, ${ids[1]}) failed for five days.`);
    expect(text).not.toContain('kkkkkkkk');
    expect(text).not.toContain('tttttttt');
  });

  it('tells a day later of one that was disabled again, unless it was enabled meanwhile', async () => {
    const [first, second] = [await make(projectId, 'First'), await make(projectId, 'Second')];
    for (const id of [first, second]) {
      await disable(projectId, id);
      await handled();
      await enable(projectId, id);
    }
    // Both were enabled before their mails were sent, or after: only the second disabling counts here.
    for (const id of [first, second]) await disable(projectId, id);
    await handled();
    await enable(projectId, second);
    await send();
    await noneUnderWay();
    const today = contents().length;
    await send(25 * 60);
    const later = contents().slice(today);
    expect(later).toHaveLength(1);
    expect(later[0]).toContain('First (hooks.example.com');
  });

  it('goes to operators about each of theirs, once a day', async () => {
    const ids = [await make(null, 'Data <lake>'), await make(null, null)];
    for (const id of ids) await disable(null, id);
    const found = () =>
      smtp.mails.filter(({ to, content }) => content.includes(DISABLED) && to.includes('ops@example.com'));
    await eventually(async () => {
      await send();
      expect(found()).toHaveLength(2);
    });
    const text = found()
      .map(({ content }) => content)
      .join();
    expect(text).toContain(`Data &lt;lake&gt; (hooks.example.com, ${ids[0]}) answered 410`);
    expect(text).toContain('This destination is one of the operator');
    await handled();
    await send();
    expect(found()).toHaveLength(2);
  });

  it('tells operators once a day how all projects are', async () => {
    await disable(null, await make(null, null));
    const day = new Date('2026-12-24T06:00:00Z').getTime();
    const service = app.app.get(AlertsService);
    for (const hour of [-1, 0, 1, 5]) await service.send(new Date(day + hour * 60 * MINUTE_MS));
    const digests = () =>
      smtp.mails.filter(({ to, content }) => to.includes('ops@example.com') && /^Keys: /m.test(content));
    const before = digests().length;
    await service.send(new Date(day + 24 * 60 * MINUTE_MS));
    expect(digests().length).toBe(before + 1);
    expect(digests().at(-1)?.content).toMatch(/Keys: \d+ unconfigured, /);
    expect(digests().at(-1)?.content).toMatch(/disabled because they failed: [1-9]/);
  });
});
