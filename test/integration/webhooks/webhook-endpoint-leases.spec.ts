import {
  type AppWithStripe,
  endpointsPath,
  startAppWithStripe,
  statusPath,
} from '../../harness/app-with-stripe.js';
import { eventually } from '../../harness/eventually.js';
import { slow } from '../../harness/stripe/faults.js';
import { configPath } from '../../harness/test-app.js';

describe('webhook endpoints of two processes on one database', () => {
  const apps: AppWithStripe[] = [];

  beforeAll(async () => {
    const first = await startAppWithStripe({ environment: { PUBLIC_BASE_URL: 'https://tillkeeper.test' } });
    apps.push(
      first,
      await startAppWithStripe({
        environment: first.environment,
        database: first.database,
        stripe: first.stripe,
      }),
    );
  });
  afterAll(async () => {
    for (const app of apps.reverse()) await app.close();
  });

  it('are created by one process at a time, and neither reverts the other', async () => {
    for (let round = 0; round < 5; round++) {
      const [first, second] = apps;
      if (!first || !second) throw new Error('There are not two apps.');
      const account = first.stripe.addAccount();
      const projectId = await first.createProject();
      await first
        .send('put', configPath(projectId))
        .send({ test_secret_key: account.keys.test.secret })
        .expect(200);
      const create = ({ send }: AppWithStripe) =>
        send('post', endpointsPath(projectId)).send({ mode: 'test' });

      let release: (value?: unknown) => void = () => undefined;
      first.stripe.fail(slow(new Promise((resolve) => (release = resolve))), {
        on: 'POST /v1/webhook_endpoints',
      });
      first.stripe.requests.length = 0;
      const made = create(first).then();
      await eventually(async () =>
        expect(first.stripe.requests.some(({ method }) => method === 'POST')).toBe(true),
      );
      const { headers } = await create(second).expect(409);
      expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
      await second.send('delete', `${endpointsPath(projectId)}/test`).expect(409);
      release();
      const { status, body } = await made;
      expect(status).toBe(201);
      expect((await create(second).expect(200)).body).toEqual(body);
      expect(account.test.all('webhook_endpoint').map(({ id }) => id)).toEqual([body.id]);
      expect(
        (await second.send('get', statusPath(projectId)).expect(200)).body.test.webhook.endpoint_id,
      ).toBe(body.id);
    }
  });

  it('requested by both at once are created once', async () => {
    for (let round = 0; round < 5; round++) {
      const [first] = apps;
      if (!first) throw new Error('There is no app.');
      const account = first.stripe.addAccount();
      const projectId = await first.createProject();
      await first
        .send('put', configPath(projectId))
        .send({ test_secret_key: account.keys.test.secret })
        .expect(200);
      const answers = await Promise.all(
        apps.map(({ send }) => send('post', endpointsPath(projectId)).send({ mode: 'test' })),
      );
      const [made, ...others] = answers.filter(({ status }) => status === 201);
      expect(others).toEqual([]);
      for (const { status } of answers) expect([200, 201, 409]).toContain(status);
      expect(account.test.all('webhook_endpoint').map(({ id }) => id)).toEqual([made?.body.id]);
      // The answer is 200 only if the stored secret belongs to the endpoint.
      await first.send('post', endpointsPath(projectId)).send({ mode: 'test' }).expect(200);
    }
  });
});
