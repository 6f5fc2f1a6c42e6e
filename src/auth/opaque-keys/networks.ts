import { BlockList, isIP } from 'node:net';
import { clientAddress } from '../../common/actor.js';
import { isAddressRange } from '../../config/rules.js';

/** Whether a text is an address or a CIDR range, in the form that `networkList` compares addresses with. */
export function isNetwork(text: string): boolean {
  const [address = ''] = text.split('/');
  // Callers over IPv4-mapped IPv6 are compared by their IPv4 address, so a mapped network would match nobody.
  return isAddressRange(text) && isIP(clientAddress(address) ?? '') === isIP(address);
}

/** @param networks addresses and CIDR ranges that are valid */
export function networkList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(address, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family);
  }
  return list;
}

export function isInNetworks(list: BlockList, ip: string): boolean {
  const address = clientAddress(ip);
  return address !== undefined && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}
