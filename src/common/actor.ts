import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** As some proxies write addresses: `192.0.2.1:443`, `[2001:db8::1]`, `[2001:db8::1]:443`. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/;
const ZONE = /%.*$/;

/**
 * @returns the one way to write this address, without port, brackets and zone, and IPv4 as IPv4; `undefined`
 * for what is no address
 */
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

/**
 * A person with an access token, another module of this process, or the system itself (the command line, a
 * timer).
 */
export const ACTOR_KINDS = ['person', 'module', 'system'] as const;

/** Who does something, and from where: what the history says of each change. */
export interface Actor {
  readonly kind: (typeof ACTOR_KINDS)[number];
  /** The `sub` of the token, or the name of the module or of the part of the system. */
  readonly subject: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** What the answer has as `X-Request-Id`. */
  readonly requestId: string | null;
}

interface RequestFacts {
  id: string;
  ip: string;
  headers: { 'user-agent'?: string };
}

/** Somebody who injected a service and did not say who they are. */
export const A_MODULE: Actor = moduleActor('module');

/** @param name of the module, as an operator knows it */
export function moduleActor(name: string): Actor {
  return { kind: 'module', subject: name, ip: null, userAgent: null, requestId: null };
}

/** @param name of the part that acts by itself, or of the operator's command */
export function systemActor(name: string): Actor {
  return { kind: 'system', subject: name, ip: null, userAgent: null, requestId: null };
}

/** @param subject of the verified access token */
export function personActor(subject: string, { id, ip, headers }: RequestFacts): Actor {
  return {
    kind: 'person',
    subject,
    // Behind a trusted proxy it is what a header says.
    ip: clientAddress(ip) ?? null,
    userAgent: safeUserAgent(headers['user-agent']),
    requestId: id,
  };
}

const USER_AGENT_LENGTH = 200;
const HIDDEN = '[hidden]';

/**
 * What a stranger wrote, kept for years: no line breaks, no end without limit, and nothing that could be a
 * pasted key or token.
 */
function safeUserAgent(text: string | undefined): string | null {
  if (!text) return null;
  return text
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/(?:[spre]k[_-]?(?:test|live|org)|whsec)[^\s;()]*/gi, HIDDEN)
    .replace(/eyJ[\w-]*(?:\.[\w-]*)+/g, HIDDEN)
    .replace(/[\w+/=%~-]{32,}/g, HIDDEN)
    .slice(0, USER_AGENT_LENGTH);
}
