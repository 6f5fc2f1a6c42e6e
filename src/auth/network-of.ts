import { normalizeIp } from '@nestjs/throttler';
import { clientAddress } from '../common/client-address.js';

/** Rate-limit key for an address: the address, or for IPv6 its /64, which belongs to one customer. */
export function networkOf(ip: string): string {
  const address = clientAddress(ip);
  return address === undefined ? 'unknown' : normalizeIp(address);
}
