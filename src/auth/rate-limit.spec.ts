import { FixedWindowStorage, networkOf } from './rate-limit.js';

describe('networkOf counts a caller', () => {
  it('by the address itself on IPv4', () => {
    expect(networkOf('192.0.2.1')).toBe('192.0.2.1');
    expect(networkOf('192.0.2.1')).not.toBe(networkOf('192.0.2.2'));
  });

  it('by the network on IPv6, for all of its addresses', () => {
    expect(networkOf('2001:db8:1:2:aaaa::1')).toBe(networkOf('2001:db8:1:2:bbbb:cccc:dddd:eeee'));
    expect(networkOf('2001:db8:1:2::1')).not.toBe(networkOf('2001:db8:1:3::1'));
  });

  it.each([
    [
      '192.0.2.1',
      '192.0.2.1:5678',
      '::ffff:192.0.2.1',
      '::FFFF:c000:201',
      '[::ffff:192.0.2.1]:443',
      ' 192.0.2.1 ',
    ],
    [
      '2001:db8::1',
      '[2001:db8::1]',
      '[2001:DB8::1]:443',
      '2001:0db8:0:0:0:0:0:1',
      '2001:db8::2%eth0',
      '[2001:db8::1%25eth0]:443',
    ],
  ])('by %s, in every spelling of a proxy', (address, ...others) => {
    for (const other of others) expect(networkOf(other)).toBe(networkOf(address));
  });

  it('by the IPv4 address in an IPv4-mapped IPv6 address', () => {
    expect(networkOf('::ffff:192.0.2.1')).not.toBe(networkOf('::ffff:192.0.2.2'));
  });

  it('as unknown if the address is invalid', () => {
    for (const nobody of ['', 'unknown', 'localhost', '192.0.2.256', '0x7f.1', '1', '/run/socket'])
      expect(networkOf(nobody)).toBe('unknown');
  });
});

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

  it('counts from zero in the next window, even after many blocked requests', async () => {
    for (let request = 0; request < 100; request += 1) await hit();
    now += 60_000;
    expect(await hit()).toMatchObject({ totalHits: 1, isBlocked: false });
  });

  it('counts each caller separately', async () => {
    for (let request = 0; request < 3; request += 1) await hit('loud');
    expect(await hit('quiet')).toMatchObject({ totalHits: 1, isBlocked: false });
  });

  it('drops the least recently active callers, so that invented callers cost no memory', async () => {
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
