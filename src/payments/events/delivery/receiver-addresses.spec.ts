import type { Settings } from '../../../config/settings.js';
import { NameServers, ReceiverAddresses } from './receiver-addresses.js';

const addressesIn = (
  nodeEnv: 'production' | 'test',
  names: Record<string, string[]> = {},
  allowed: string[] = [],
) => {
  const servers = new NameServers();
  servers.addressesOf = async (name) => names[name] ?? [];
  return new ReceiverAddresses(
    { nodeEnv, destinationAllowNetworks: allowed } as unknown as Settings,
    servers,
  );
};

describe('in production', () => {
  const addresses = addressesIn('production');

  it.each([
    ['this machine', '127.0.0.1'],
    ['all of 127/8', '127.8.9.10'],
    ['this machine', '::1'],
    ['no address', '0.0.0.0'],
    ['no address', '::'],
    ['a private network', '10.1.2.3'],
    ['a private network', '172.16.0.1'],
    ['a private network', '192.168.1.1'],
    ['a unique local address', 'fd00:ec2::254'],
    ['a link-local address with metadata', '169.254.169.254'],
    ['a link-local address', 'fe80::1'],
    ['a site-local address', 'fec0::1'],
    ['carrier-grade NAT', '100.100.100.200'],
    ['metadata of Oracle', '192.0.0.192'],
    ['metadata of Azure', '168.63.129.16'],
    ['documentation', '203.0.113.9'],
    ['documentation', '2001:db8::1'],
    ['benchmarks', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['multicast', 'ff02::1'],
    ['broadcast', '255.255.255.255'],
    ['the reserved end', '240.0.0.1'],
    ['an IPv4-mapped address', '::ffff:127.0.0.1'],
    ['an IPv4-mapped address', '::ffff:a9fe:a9fe'],
    ['an IPv4-translated address', '::ffff:0:7f00:1'],
    ['an IPv4-compatible address', '::7f00:1'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['NAT64', '64:ff9b::a00:1'],
    ['local NAT64', '64:ff9b:1::808:808'],
    ['6to4', '2002:7f00:1::'],
    ['Teredo', '2001:0:4136:e378::1'],
    ['ISATAP', '2606:4700::5efe:7f00:1'],
    ['ISATAP', '2606:4700::200:5efe:a9fe:a9fe'],
    ['ISATAP in a private network', 'fd00::5efe:808:808'],
    ['what nobody has', '4000::1'],
    ['discard', '100::1'],
  ])('refuses %s: %s', (_, address) => {
    expect(addresses.isAllowed(address)).toBe(false);
  });

  it.each([
    '8.8.8.8',
    '2606:4700::1111',
    '2606:4700::200:5efe:808:808',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::',
  ])('allows %s', (address) => {
    expect(addresses.isAllowed(address)).toBe(true);
  });

  it.each([
    ['http://example.com/', /https:/],
    ['ftp://example.com/', /absolute https/],
    ['https:example.com', /absolute https/],
    ['https://user@example.com/', /user name/],
    ['https://user:pass@example.com/', /user name/],
    ['https://@example.com/', /user name/],
    ['https://example.com/#part', /fragment/],
    ['https://example.com:22/', /port/],
    ['https://example.com:25/', /port/],
    ['https://example.com:6000/', /port/],
    ['https://example.com:0/', /port/],
    ['https://127.0.0.1/', /not public/],
    ['https://2130706433/', /not public/],
    ['https://0x7f.1/', /not public/],
    ['https://0177.0.0.1/', /not public/],
    ['https://[::ffff:10.0.0.1]/', /not public/],
    ['https://[::1]/', /not public/],
    ['https://localhost/', /not public/],
    ['https://app.localhost./', /not public/],
    ['https://localhost../', /not public/],
    ['https://printer.local../', /local network/],
    ['https://printer.local/', /local network/],
    ['https://metadata.google.internal/', /local network/],
    ['https://database/', /local network/],
    ['https://exa mple.com/', /absolute https/],
    ['https:\\\\example.com', /absolute https/],
  ])('refuses %s', async (url, reason) => {
    expect(await addresses.problemWith(url)).toMatch(reason);
  });

  it.each([
    'https://example.com/',
    'https://example.com:8443/a?b=c',
    'https://unknown.invalid/',
    'https://8.8.8.8/',
  ])('accepts %s', async (url) => {
    expect(await addresses.problemWith(url)).toBeUndefined();
  });

  it('refuses a name with one address that is not public, also when it connects', async () => {
    const mixed = addressesIn('production', { 'example.com': ['8.8.8.8', '10.0.0.1'] });
    expect(await mixed.problemWith('https://example.com/')).toMatch(/not public/);
    await expect(mixed.resolve('example.com')).rejects.toMatchObject({ name: 'ForbiddenAddress' });
    await expect(mixed.resolve('unknown.invalid')).rejects.toMatchObject({ name: 'UnknownName' });
  });

  it('allows the networks of DESTINATION_ALLOW_NETWORKS, and local names that lead there', async () => {
    const names = { 'billing.internal': ['10.1.2.3'], 'other.internal': ['10.2.0.1'] };
    const internal = addressesIn('production', names, ['10.1.0.0/16']);
    expect(await internal.problemWith('https://billing.internal/')).toBeUndefined();
    expect(await internal.resolve('billing.internal')).toEqual([{ address: '10.1.2.3', family: 4 }]);
    expect(await internal.problemWith('https://other.internal/')).toMatch(/not public/);
    expect(await internal.problemWith('https://localhost/')).toMatch(/not public/);
    for (const name of ['printer.local', 'intranet', 'unknown.internal'])
      expect([name, await internal.problemWith(`https://${name}/`)]).toEqual([name, undefined]);
    expect(await internal.problemWith('http://billing.internal/')).toMatch(/https/);
  });
});

it('allows http and this machine outside of production, but no other network', async () => {
  const addresses = addressesIn('test');
  for (const url of ['http://127.0.0.1:4000/', 'http://localhost:4000/', 'http://[::1]:4000/'])
    expect([url, await addresses.problemWith(url)]).toEqual([url, undefined]);
  expect(await addresses.problemWith('http://10.0.0.1/')).toMatch(/not public/);
});
