import fc from 'fast-check';
import { sendRaw } from '../harness/raw-http.js';
import { configPath, OWNER, startTestApp, type TestApp } from '../harness/test-app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const names = fc.oneof(
  fc.constantFrom(
    'test_secret_key',
    'live_webhook_secret',
    'name',
    'description',
    'constructor',
    'toString',
    '__proto__',
    'then',
    'length',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const values = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('sk_test_', 'whsec_', '\ud800', '\0', -0, 1e308),
);
const bodies = fc.oneof(
  fc.array(fc.tuple(names, values), { maxLength: 8 }).map((members) => {
    return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
  }),
  fc.json(),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
);

it('no body causes a 5xx', async () => {
  const projectId = await app.createProject();
  const targets = [
    `PUT ${configPath(projectId)}`,
    `PUT /api/v1/projects/${projectId}`,
    'POST /api/v1/projects',
  ];
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      const headers = [
        `Authorization: Bearer ${OWNER}`,
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(body)}`,
      ];
      const answers = await Promise.all(targets.map((target) => sendRaw(app, target, headers, body)));
      for (const { status, body: text } of answers) {
        expect(status).toBeGreaterThanOrEqual(200);
        expect(status).toBeLessThan(500);
        expect(text.length).toBeLessThan(4_096);
      }
    }),
    { numRuns: 150 },
  );
});
