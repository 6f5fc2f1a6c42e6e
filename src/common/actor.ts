import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Address forms with a port, as some proxies write them: `192.0.2.1:443`, `[2001:db8::1]:443`. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/;
const ZONE = /%.*$/;

/** @returns the address without port, brackets and zone, IPv4-mapped as IPv4; `undefined` if invalid */
export function clientAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const [, v6, v4] = WITH_PORT.exec(trimmed) ?? [];
  const address = (v6 ?? v4 ?? trimmed).replace(ZONE, '');
  return isIP(address) ? ipaddr.process(address).toString() : undefined;
}

/** Canonicalizes `X-Forwarded-For`, so that each hop can be compared with `TRUST_PROXY`. */
export function normalizeForwardedFor({ headers }: IncomingMessage): void {
  const given = headers['x-forwarded-for'];
  if (given === undefined) return;
  const hops = given.toString().split(',');
  headers['x-forwarded-for'] = hops.map((hop) => clientAddress(hop) ?? hop.trim()).join(', ');
}

/**
 * A person with an access token, a service account, another module of this process, or the system (command line,
 * timer).
 */
export const ACTOR_KINDS = ['person', 'service_account', 'module', 'system'] as const;

/** The author of a change, for the history. */
export interface Actor {
  readonly kind: (typeof ACTOR_KINDS)[number];
  /** The token's `sub`, the service account's id, or the name of the module or system part. */
  readonly subject: string;
  /** The name of a service account. The entry of the history has it in its details. */
  readonly name?: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** The response's `X-Request-Id`. */
  readonly requestId: string | null;
}

interface RequestFacts {
  id: string;
  ip: string;
  headers: { 'user-agent'?: string };
}

/** Default actor of a module that calls a service without naming one. */
export const A_MODULE: Actor = moduleActor('module');

/** @param name of the module, for operators */
export function moduleActor(name: string): Actor {
  return { kind: 'module', subject: name, ip: null, userAgent: null, requestId: null };
}

/** @param name of the system part, or of the operator's command */
export function systemActor(name: string): Actor {
  return { kind: 'system', subject: name, ip: null, userAgent: null, requestId: null };
}

/** @param subject of the verified access token */
export function personActor(subject: string, request: RequestFacts): Actor {
  return { kind: 'person', subject, ...factsOf(request) };
}

export function serviceAccountActor(
  { id, name }: { id: string; name: string },
  request: RequestFacts,
): Actor {
  return { kind: 'service_account', subject: id, name, ...factsOf(request) };
}

function factsOf({ id, ip, headers }: RequestFacts): Pick<Actor, 'ip' | 'userAgent' | 'requestId'> {
  return {
    // Behind a trusted proxy, `ip` comes from a header.
    ip: clientAddress(ip) ?? null,
    userAgent: safeUserAgent(headers['user-agent']),
    requestId: id,
  };
}

const USER_AGENT_LENGTH = 200;
const HIDDEN = '[hidden]';

/** Sanitizes a stranger's text for storage: limited length, no line breaks, keys or tokens. */
function safeUserAgent(text: string | undefined): string | null {
  if (!text) return null;
  return text
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/(?:[spre]k[_-]?(?:test|live|org)|whsec)[^\s;()]*/gi, HIDDEN)
    .replace(/eyJ[\w.-]*/g, HIDDEN)
    .replace(/[\w+/=%~-]{32,}/g, HIDDEN)
    .slice(0, USER_AGENT_LENGTH);
}
