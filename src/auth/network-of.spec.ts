import { networkOf } from './network-of.js';

describe('a caller is counted', () => {
  it('by the address itself on IPv4', () => {
    expect(networkOf('192.0.2.1')).toBe('192.0.2.1');
    expect(networkOf('192.0.2.1')).not.toBe(networkOf('192.0.2.2'));
  });

  it('by the network on IPv6, whichever of its addresses is used', () => {
    expect(networkOf('2001:db8:1:2:aaaa::1')).toBe(networkOf('2001:db8:1:2:bbbb:cccc:dddd:eeee'));
    expect(networkOf('2001:db8:1:2::1')).not.toBe(networkOf('2001:db8:1:3::1'));
  });

  it('together with all others whose address is none', () => {
    for (const nobody of ['', 'unknown', 'localhost', '192.0.2.1:80', '/run/socket']) expect(networkOf(nobody)).toBe('unknown');
  });
});
