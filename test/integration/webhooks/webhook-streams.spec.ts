import fc from 'fast-check';
import { deliveryStream, followsModel } from '../../harness/ledger/delivery-streams.js';
import { startTestApp, type TestApp } from '../../harness/test-app.js';

describe('a stream of deliveries, many at once', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  it('has the effects of its events once each, and none of what is forged', async () => {
    await fc.assert(
      fc.asyncProperty(deliveryStream(90), (steps) => followsModel(app, steps)),
      { numRuns: 2, endOnFailure: true },
    );
  });
});
