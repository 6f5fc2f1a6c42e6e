import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** As some proxies write addresses: `192.0.2.1:443`, `[2001:db8::1]`, `[2001:db8::1]:443`. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/;
const ZONE = /%.*$/;

/** @returns the one way to write this address, without port, brackets and zone, and IPv4 as IPv4; `undefined` for what is no address */
export function clientAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const [, v6, v4] = WITH_PORT.exec(trimmed) ?? [];
  const address = (v6 ?? v4 ?? trimmed).replace(ZONE, '');
  return isIP(address) ? ipaddr.process(address).toString() : undefined;
}

/** Rewrites `X-Forwarded-For`, so that each hop is an address that `TRUST_PROXY` can be compared with. */
export function normalizeForwardedFor({ headers }: IncomingMessage): void {
  const given = headers['x-forwarded-for'];
  if (given === undefined) return;
  const hops = given.toString().split(',');
  headers['x-forwarded-for'] = hops.map((hop) => clientAddress(hop) ?? hop.trim()).join(', ');
}
