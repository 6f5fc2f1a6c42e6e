import { BlockList, isIP } from 'node:net';
import { resolve } from 'node:path';
import { isEmail } from 'class-validator';
import { Secret } from '../common/secret.js';

/** Parses a variable's text. `undefined` means that it is invalid. */
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

/** Parses seconds, with an optional unit: `90`, `90s`, `15m`, `24h`, `7d`. */
export function duration(maxSeconds: number): Parse<number> {
  return (text) => {
    const [, digits = '', unit = ''] = /^(.*?)([smhd]?)$/.exec(text) ?? [];
    const factor = SECONDS.get(unit) ?? 1;
    const count = wholeNumber(0, Math.floor(maxSeconds / factor))(digits);
    return count === undefined ? undefined : count * factor;
  };
}

/** A list without duplicates. */
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

/** An address to listen on. Rejects a numeric last label, which is a mistyped IPv4 address. */
export const host: Parse<string> = (text) => {
  const isHostName = /^([a-z\d]([a-z\d-]*[a-z\d])?\.)*[a-z]([a-z\d-]*[a-z\d])?$/i.test(text);
  return isHostName || (isIP(text) !== 0 && !text.includes('%')) ? text : undefined;
};

/** @returns the URL without trailing slashes */
export const baseUrl: Parse<string> = (text) =>
  text.includes('?') ? undefined : httpUrl(text)?.href.replace(/\/+$/, '');

/** One exact origin. Rejects `*` in a host name, which the URL parser allows but no browser sends. */
export const origin: Parse<string> = (text) => {
  const url = /[?*]/.test(text) ? undefined : httpUrl(text);
  return url?.pathname === '/' ? url.origin : undefined;
};

/** Requires HTTPS except on loopback, because an attacker could replace keys in transit. */
export const jwksUri: Parse<string> = (text) => {
  const url = httpUrl(text);
  return url && isSecureUrl(url.href) ? url.href : undefined;
};

/** `smtp://user:password@host:port` or `smtps://…`, with credentials that can be decoded. */
export const smtpUrl: Parse<Secret> = (text) => {
  if (!/^smtps?:\/\//i.test(text) || /[?#\s]/.test(text)) return undefined;
  try {
    const { hostname, pathname, username, password } = new URL(text);
    decodeURIComponent(username + password);
    const hasBoth = (username === '') === (password === '');
    return hostname !== '' && /^\/?$/.test(pathname) && hasBoth ? new Secret(text) : undefined;
  } catch {
    return undefined;
  }
};

/** An address, or a name and an address: `Tillkeeper <pay@example.com>`. */
export const mailbox: Parse<string> = (text) =>
  isEmail(text, { allow_display_name: true, require_tld: false }) ? text : undefined;

export const mailAddress: Parse<string> = (text) =>
  isEmail(text, { require_tld: false }) ? text : undefined;

/** Whether the connection is encrypted or local. */
export function isSecureUrl(href: string): boolean {
  const { protocol, hostname } = new URL(href);
  return protocol === 'https:' || isLoopbackHost(hostname.replace(/^\[|]$/g, ''));
}

export const databaseAddress: Parse<DatabaseAddress> = (text) => {
  // Rejects in-memory databases, which lose acknowledged writes, and `sqlite://folder/file`, which looks
  // relative but is absolute.
  const file = /^sqlite:(?!:memory:|\/\/[^/])(.+)$/.exec(text)?.[1];
  if (file !== undefined) return { file: resolve(file) };
  const url = postgresUrl(text);
  return url && { url };
};

export const postgresUrl: Parse<Secret> = (text) => (isPostgresUrl(text) ? new Secret(text) : undefined);

/** One or more master keys, separated by line breaks or commas. */
export const masterKeys: Parse<Secret[]> = (text) => {
  const keys = text.split(/\s*[,\n]\s*/).map((part) => masterKey(part));
  return keys.every((key) => key !== undefined) ? keys : undefined;
};

/** Exactly 32 bytes. Encodes them again and compares, because Node's decoder skips invalid characters. */
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

/** One or more secrets, separated by whitespace. A passphrase of short words is one secret. */
export const tokenSecrets: Parse<Secret[]> = (text) => {
  const isLong = (secret: string) => Buffer.byteLength(secret) >= 32;
  const parts = text.split(/\s+/).filter((part) => part !== '');
  const secrets = parts.some(isLong) ? parts : [text];
  return secrets.every(isLong) ? secrets.map((secret) => new Secret(secret)) : undefined;
};

/** Trusted proxies: a hop count or addresses. `false` trusts none. */
export const trustedProxies: Parse<false | number | string[]> = (text) => {
  const hops = wholeNumber(0, 100)(text);
  return hops === undefined ? listOf(addressRange)(text) : hops || false;
};

/** An address or a CIDR range. Rejects /0, which would trust everybody. */
export const addressRange: Parse<string> = (text) =>
  isAddressRange(text) && !text.endsWith('/0') ? text : undefined;

export function isAddressRange(text: string): boolean {
  const [, address = '', prefix] = /^([^/%]+)(?:\/(.*))?$/.exec(text) ?? [];
  const family = isIP(address);
  const isRange = prefix === undefined || wholeNumber(0, family === 4 ? 32 : 128)(prefix) !== undefined;
  return family !== 0 && isRange;
}

/**
 * An absolute http(s) URL without credentials or fragment.
 * Rejects blanks, backslashes and missing slashes, which the URL parser repairs.
 */
function httpUrl(text: string): URL | undefined {
  if (!/^https?:\/\/[^/]/i.test(text) || /[\s\\#\p{Cc}]/u.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === '' && url.password === '' ? url : undefined;
}

function isPostgresUrl(text: string): boolean {
  // Rejects an unescaped # or %: it would split the URL later, in an error that may show the password.
  if (!/^postgres(ql)?:\/\/([^\s#%]|%[\da-f]{2})+$/i.test(text) || !URL.canParse(text)) return false;
  const { hostname, searchParams } = new URL(text);
  return hostname !== '' || searchParams.has('host');
}
