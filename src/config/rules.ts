import { BlockList, isIP } from 'node:net';
import { resolve } from 'node:path';
import { Secret } from '../common/secret.js';

/** Reads the text of a variable; `undefined` means that it breaks the rule. */
export type Parse<T> = (text: string) => T | undefined;

/** A SQLite file, or the URL of a PostgreSQL server. */
export type DatabaseAddress =
  { readonly file: string; readonly url?: undefined } | { readonly url: Secret; readonly file?: undefined };

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

export function isLoopbackHost(host: string): boolean {
  const family = isIP(host);
  return family === 0
    ? host.toLowerCase() === 'localhost'
    : loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

export const anyText: Parse<string> = (text) => text;

export const path: Parse<string> = (text) => resolve(text);

export function oneOf<const T extends string>(choices: readonly T[]): Parse<T> {
  return (text) => choices.find((choice) => choice === text);
}

export function matching(pattern: RegExp): Parse<string> {
  return (text) => (pattern.test(text) ? text : undefined);
}

export function wholeNumber(min: number, max: number): Parse<number> {
  return (text) => {
    const number = /^(0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
    return number >= min && number <= max ? number : undefined;
  };
}

const SECONDS = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3_600],
  ['d', 86_400],
]);

/** Seconds, from a number of them or one with a unit: `90`, `90s`, `15m`, `24h`, `7d`. */
export function duration(maxSeconds: number): Parse<number> {
  return (text) => {
    const [, digits = '', unit = ''] = /^(.*?)([smhd]?)$/.exec(text) ?? [];
    const factor = SECONDS.get(unit) ?? 1;
    const count = wholeNumber(0, Math.floor(maxSeconds / factor))(digits);
    return count === undefined ? undefined : count * factor;
  };
}

/** The same, with none twice. */
export function setOf<T>(item: Parse<T>): Parse<T[]> {
  return (text) => {
    const items = listOf(item)(text);
    return new Set(items).size === items?.length ? items : undefined;
  };
}

export function listOf<T>(item: Parse<T>): Parse<T[]> {
  return (text) => {
    const items: T[] = [];
    for (const part of text.split(',')) {
      const value = item(part.trim());
      if (value === undefined) return undefined;
      items.push(value);
    }
    return items;
  };
}

export const trueOrFalse: Parse<boolean> = (text) => {
  const choice = oneOf(['true', 'false'])(text);
  return choice === undefined ? undefined : choice === 'true';
};

/** An address to listen on. A last label of digits would be an IPv4 address that somebody mistyped. */
export const host: Parse<string> = (text) => {
  const isHostName = /^([a-z\d]([a-z\d-]*[a-z\d])?\.)*[a-z]([a-z\d-]*[a-z\d])?$/i.test(text);
  return isHostName || (isIP(text) !== 0 && !text.includes('%')) ? text : undefined;
};

/** @returns the URL without the slashes at its end */
export const baseUrl: Parse<string> = (text) =>
  text.includes('?') ? undefined : httpUrl(text)?.href.replace(/\/+$/, '');

/** One exact origin. The URL parser lets * pass in a host name, where it would match nothing. */
export const origin: Parse<string> = (text) => {
  const url = /[?*]/.test(text) ? undefined : httpUrl(text);
  return url?.pathname === '/' ? url.origin : undefined;
};

/** Keys that travel unencrypted could be exchanged on the way, so plain HTTP is for this machine alone. */
export const jwksUri: Parse<string> = (text) => {
  const url = httpUrl(text);
  return url && isSecureUrl(url.href) ? url.href : undefined;
};

/** Whether nobody on the network can read along. */
export function isSecureUrl(href: string): boolean {
  const { protocol, hostname } = new URL(href);
  return protocol === 'https:' || isLoopbackHost(hostname.replace(/^\[|]$/g, ''));
}

export const databaseAddress: Parse<DatabaseAddress> = (text) => {
  // An in-memory database would lose acknowledged writes, and sqlite://folder/file looks relative but means a
  // folder of the root.
  const file = /^sqlite:(?!:memory:|\/\/[^/])(.+)$/.exec(text)?.[1];
  if (file !== undefined) return { file: resolve(file) };
  const url = postgresUrl(text);
  return url && { url };
};

export const postgresUrl: Parse<Secret> = (text) => (isPostgresUrl(text) ? new Secret(text) : undefined);

/** One master key or several, a line each or separated by commas. */
export const masterKeys: Parse<Secret[]> = (text) => {
  const keys = text.split(/\s*[,\n]\s*/).map((part) => masterKey(part));
  return keys.every((key) => key !== undefined) ? keys : undefined;
};

/**
 * Exactly 32 bytes. Node's decoder skips what it doesn't know, so the bytes are encoded again and compared.
 */
const masterKey: Parse<Secret> = (text) => {
  const bytes = Buffer.from(text, 'base64');
  const canonical = bytes.toString('base64');
  return bytes.length === 32 && (text === canonical || `${text}=` === canonical)
    ? new Secret(text)
    : undefined;
};

export const vaultToken: Parse<Secret> = (text) =>
  /^[\x21-\x7e]+$/.test(text) ? new Secret(text) : undefined;

export const metricsToken: Parse<Secret> = (text) =>
  /^[\x21-\x7e]{16,}$/.test(text) ? new Secret(text) : undefined;

/**
 * One secret or several, with whitespace between them. A passphrase, none of whose words would do alone, is
 * one.
 */
export const tokenSecrets: Parse<Secret[]> = (text) => {
  const isLong = (secret: string) => Buffer.byteLength(secret) >= 32;
  const parts = text.split(/\s+/).filter((part) => part !== '');
  const secrets = parts.some(isLong) ? parts : [text];
  return secrets.every(isLong) ? secrets.map((secret) => new Secret(secret)) : undefined;
};

/** How many proxies, or which, may say whom they speak for; `false` is none. */
export const trustedProxies: Parse<false | number | string[]> = (text) => {
  const hops = wholeNumber(0, 100)(text);
  return hops === undefined ? listOf(addressRange)(text) : hops || false;
};

/** An address or a CIDR range, but not /0: it would trust everybody. */
const addressRange: Parse<string> = (text) => {
  const [, address = '', prefix] = /^([^/%]+)(?:\/(.*))?$/.exec(text) ?? [];
  const family = isIP(address);
  const isRange = prefix === undefined || wholeNumber(1, family === 4 ? 32 : 128)(prefix) !== undefined;
  return family !== 0 && isRange ? text : undefined;
};

/**
 * An absolute http(s) URL without credentials or fragment. Stricter than the URL parser, which repairs
 * blanks, backslashes and missing slashes.
 */
function httpUrl(text: string): URL | undefined {
  if (!/^https?:\/\/[^/]/i.test(text) || /[\s\\#\p{Cc}]/u.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === '' && url.password === '' ? url : undefined;
}

function isPostgresUrl(text: string): boolean {
  // A bare # or % in a password would cut or break the address later, in a message that could show it.
  if (!/^postgres(ql)?:\/\/([^\s#%]|%[\da-f]{2})+$/i.test(text) || !URL.canParse(text)) return false;
  const { hostname, searchParams } = new URL(text);
  return hostname !== '' || searchParams.has('host');
}
