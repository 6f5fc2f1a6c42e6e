import { startTestApp, type TestApp } from '../support/test-app.js';

const TOKEN = 'm'.repeat(32);

describe('/metrics', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ environment: { METRICS_TOKEN: TOKEN } });
  });
  afterAll(() => app.close());

  it("answers the operator's token in Prometheus' format", async () => {
    const { text, headers } = await app.send('get', '/metrics', TOKEN).expect(200);
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(text).toContain('tillkeeper_credentials_invalid_total{mode="live"} 0');
  });

  it('is closed to everybody else, developers too', async () => {
    await app.send('get', '/metrics', null).expect(401).expect('www-authenticate', 'Bearer');
    await app
      .send('get', '/metrics')
      .expect(401)
      .expect('www-authenticate', /^Bearer error="invalid_token"/);
  });
});

describe('/metrics without METRICS_TOKEN', () => {
  it('is not there', async () => {
    const app = await startTestApp();
    try {
      await app.send('get', '/metrics', TOKEN).expect(404);
    } finally {
      await app.close();
    }
  });
});
