import { isInNetworks, isNetwork, networkList } from './networks.js';

it.each([
  '192.0.2.7',
  '192.0.2.0/24',
  '10.1.2.3/8',
  '192.0.2.7/32',
  '2001:db8::1',
  '2001:db8::/32',
  '::1/128',
  '0.0.0.0/0',
  '::/0',
])('accepts %s as a network', (text) => expect(isNetwork(text)).toBe(true));

it.each([
  '',
  '192.0.2.0/33',
  '192.0.2.0/-1',
  '192.0.2.0/024',
  '192.0.2.0/',
  '192.0.2',
  '192.0.2.0-192.0.2.9',
  'fe80::1%eth0',
  '::ffff:192.0.2.0/120',
  '::FFFF:192.0.2.1',
  '0:0:0:0:0:ffff:c000:201',
  '0::ffff:192.0.2.1/128',
  '192.0.2.0/00',
  'example.com',
  ' 192.0.2.1',
  '192.0.2.1 192.0.2.2',
])('rejects %j as a network', (text) => expect(isNetwork(text)).toBe(false));

describe('a list of networks', () => {
  const list = networkList(['192.0.2.7', '198.51.100.64/26', '2001:db8:1::/48', '::1']);

  it.each(['192.0.2.7', '::ffff:192.0.2.7', '198.51.100.64', '198.51.100.127', '2001:db8:1::ffff', '::1'])(
    'has %s',
    (ip) => expect(isInNetworks(list, ip)).toBe(true),
  );

  it.each([
    '192.0.2.8',
    '198.51.100.63',
    '198.51.100.128',
    '2001:db8:2::1',
    '::2',
    '127.0.0.1',
    '',
    'unknown',
  ])('lacks %j', (ip) => expect(isInNetworks(list, ip)).toBe(false));
});
