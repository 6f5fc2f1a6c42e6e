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

  it.each([
    ['192.0.2.1', '192.0.2.1:5678', '::ffff:192.0.2.1', '::FFFF:c000:201', '[::ffff:192.0.2.1]:443', ' 192.0.2.1 '],
    ['2001:db8::1', '[2001:db8::1]', '[2001:DB8::1]:443', '2001:0db8:0:0:0:0:0:1', '2001:db8::2%eth0', '[2001:db8::1%25eth0]:443'],
  ])('by %s, however a proxy writes it', (address, ...others) => {
    for (const other of others) expect(networkOf(other)).toBe(networkOf(address));
  });

  it('by the address itself where IPv4 is written as IPv6', () => {
    expect(networkOf('::ffff:192.0.2.1')).not.toBe(networkOf('::ffff:192.0.2.2'));
  });

  it('together with all others whose address is none', () => {
    for (const nobody of ['', 'unknown', 'localhost', '192.0.2.256', '0x7f.1', '1', '/run/socket'])
      expect(networkOf(nobody)).toBe('unknown');
  });
});
