import { normalizeIp } from '@nestjs/throttler';
import { isIP } from 'node:net';

/** Whom an address is counted as: itself, or its network of IPv6, which one caller has to himself. */
export function networkOf(ip: string): string {
  return isIP(ip) ? normalizeIp(ip) : 'unknown';
}
