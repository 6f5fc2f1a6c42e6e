import fc from 'fast-check';
import { deliveryStream, followsModel } from '../../harness/ledger/delivery-streams.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

describe('a stream of concurrent deliveries', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  it('applies each event once, and no forged one', async () => {
    await fc.assert(
      fc.asyncProperty(deliveryStream(90), (steps) => followsModel(app, steps)),
      { numRuns: 2, endOnFailure: true },
    );
  });
});
