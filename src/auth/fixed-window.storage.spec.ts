import { FixedWindowStorage } from './fixed-window.storage.js';

describe('FixedWindowStorage', () => {
  let now = 0;
  let storage: FixedWindowStorage;
  const hit = (key = 'caller') => storage.increment(key, 60_000, 2);

  beforeEach(() => {
    now = 1_000;
    storage = new FixedWindowStorage(() => now);
  });

  it('blocks from the first request over the limit to the end of the window', async () => {
    expect(await hit()).toMatchObject({ totalHits: 1, isBlocked: false });
    expect(await hit()).toMatchObject({ totalHits: 2, isBlocked: false });
    now += 20_500;
    expect(await hit()).toMatchObject({ totalHits: 3, isBlocked: true, timeToBlockExpire: 40 });
    now += 39_499;
    expect(await hit()).toMatchObject({ isBlocked: true, timeToBlockExpire: 1 });
  });

  it('counts from nought in the next window, however often it was asked meanwhile', async () => {
    for (let request = 0; request < 100; request += 1) await hit();
    now += 60_000;
    expect(await hit()).toMatchObject({ totalHits: 1, isBlocked: false });
  });

  it('counts callers apart', async () => {
    for (let request = 0; request < 3; request += 1) await hit('loud');
    expect(await hit('quiet')).toMatchObject({ totalHits: 1, isBlocked: false });
  });

  it('forgets the callers that were quiet for longest, so that inventing callers costs no memory', async () => {
    await hit('quiet');
    await hit('busy');
    for (let stranger = 0; stranger < 19_999; stranger += 1) {
      await hit(`stranger ${stranger}`);
      if (stranger % 1_000 === 0) await hit('busy');
    }
    expect(await hit('busy')).toMatchObject({ isBlocked: true });
    expect(await hit('quiet')).toMatchObject({ totalHits: 1 });
  });
});
