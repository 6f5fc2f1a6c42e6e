import fc from 'fast-check';
import { deliveryStream, followsModel } from '../harness/ledger/delivery-streams.js';
import { startTestApp, type TestApp } from '../harness/test-app.js';

jest.setTimeout(30 * 60_000);

describe('a stream of 10,000 concurrent deliveries', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  it('applies each event once, and no forged one', async () => {
    await fc.assert(
      fc.asyncProperty(deliveryStream(10_000), (steps) => followsModel(app, steps)),
      { numRuns: 1, endOnFailure: true },
    );
  });
});
