import { Resolver } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import { type BlockList, isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import ipaddr from 'ipaddr.js';
import { isInNetworks, networkList } from '../../../auth/opaque-keys/networks.js';
import { Settings } from '../../../config/settings.js';

export const MAX_URL_LENGTH = 2_048;
const DNS_TIMEOUT_MS = 2_000;
const DNS_TRIES = 2;

/** Names of machines, home networks and companies (RFC 6761, RFC 6762, RFC 8375, ICANN on `internal`). */
const LOCAL_NAMES =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa)$/;
const LOOPBACK_NAME = /(?:^|\.)localhost$/;
const LOOPBACK = ['127.0.0.1', '::1'];

/** Ports from 1024 on that browsers refuse, since other protocols use them (https://fetch.spec.whatwg.org/#bad-port). */
const BAD_PORTS = new Set([
  ...[1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10_080],
  ...[6665, 6666, 6667, 6668, 6669],
]);
const WEB_PORTS = new Set([80, 443]);
const FIRST_FREE_PORT = 1_024;

/** Addresses of clouds' metadata services that lie among public ones. */
const METADATA = new Set(['168.63.129.16']);

/** Asks the name servers. Separate, so that tests can answer instead. */
@Injectable()
export class NameServers {
  readonly #resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });

  /** @returns every address of the name; none if it has none, or no server answers */
  async addressesOf(name: string): Promise<string[]> {
    const answers = await Promise.allSettled([this.#resolver.resolve4(name), this.#resolver.resolve6(name)]);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  }
}

/** A connection to this address would leave the public internet. */
export class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress';
}

export class UnknownName extends Error {
  override readonly name = 'UnknownName';
}

/** Decides which URLs and addresses may receive events, so that nobody can reach our network through us. */
@Injectable()
export class ReceiverAddresses {
  readonly #allowed: BlockList;
  readonly #allowsNetworks: boolean;
  readonly #isProduction: boolean;

  constructor(
    { destinationAllowNetworks, nodeEnv }: Settings,
    private readonly names: NameServers,
  ) {
    this.#allowed = networkList(destinationAllowNetworks);
    this.#allowsNetworks = destinationAllowNetworks.length > 0;
    this.#isProduction = nodeEnv === 'production';
  }

  /** @returns why the URL can't be a destination, to be read after the field's name */
  async problemWith(text: string): Promise<string | undefined> {
    const problem = this.#problemWithForm(text);
    if (problem !== undefined) return problem;
    const host = hostOf(new URL(text));
    const addresses = await this.#addressesOf(host);
    if (addresses.some((address) => !this.isAllowed(address))) {
      return isIP(host)
        ? 'has an address that is not public; the operator can allow internal networks with DESTINATION_ALLOW_NETWORKS'
        : 'has a name that leads to an address that is not public; the operator can allow internal networks with DESTINATION_ALLOW_NETWORKS';
    }
    // With internal networks, a local name is one without an address yet.
    return addresses.length === 0 && isLocalName(host) && !this.#allowsNetworks
      ? 'has a name that only a local network knows; use a public name, or the operator can allow internal networks with DESTINATION_ALLOW_NETWORKS'
      : undefined;
  }

  /**
   * The addresses to connect to, each of them checked.
   * @param host name or address, without brackets
   * @throws ForbiddenAddress, UnknownName
   */
  async resolve(host: string): Promise<LookupAddress[]> {
    const addresses = await this.#addressesOf(host);
    if (addresses.length === 0) throw new UnknownName();
    if (!addresses.every((address) => this.isAllowed(address))) throw new ForbiddenAddress();
    return addresses.map((address) => ({ address, family: isIP(address) }));
  }

  isAllowed(address: string): boolean {
    const embedded = embeddedAddress(address);
    if (embedded !== undefined) return this.isAllowed(embedded);
    const tunnelled = isatapAddress(address);
    if (tunnelled !== undefined && !this.isAllowed(tunnelled)) return false;
    if (isInNetworks(this.#allowed, address)) return true;
    const parsed = ipaddr.parse(address);
    if (parsed.range() === 'loopback') return !this.#isProduction;
    if (METADATA.has(address) || parsed.range() !== 'unicast') return false;
    // Only 2000::/3 is assigned for use on the internet.
    return parsed.kind() === 'ipv4' || /^[23]/.test(parsed.toNormalizedString());
  }

  async #addressesOf(host: string): Promise<string[]> {
    if (isIP(host)) return [host];
    // Never asked of a name server, which could answer anything (RFC 6761, section 6.3).
    if (LOOPBACK_NAME.test(host)) return LOOPBACK;
    return this.names.addressesOf(host);
  }

  #problemWithForm(text: string): string | undefined {
    // Refuses what the parser of URLs would repair.
    if (!/^https?:\/\/[^/]/i.test(text) || /[\s\\\p{Cc}]/u.test(text) || !URL.canParse(text))
      return 'must be an absolute https:// URL';
    const { href, protocol, username, password, hash, port } = new URL(text);
    // The stored form can be longer.
    if (Math.max(text.length, href.length) > MAX_URL_LENGTH)
      return `must have at most ${MAX_URL_LENGTH} characters`;
    if (protocol === 'http:' && this.#isProduction) return 'must start with https://';
    if (username !== '' || password !== '' || /^https?:\/\/[^/?#]*@/i.test(text))
      return 'must have no user name and no password; send credentials in headers';
    if (hash !== '' || text.endsWith('#')) return 'must have no fragment';
    if (port !== '' && !isWebPort(Number(port)))
      return `must have the port 80, 443, or one from ${FIRST_FREE_PORT} on that no other protocol uses`;
    return undefined;
  }
}

/** The host of a URL without brackets and the dots at its end. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '');
}

function isLocalName(host: string): boolean {
  return !host.includes('.') || LOCAL_NAMES.test(host);
}

function isWebPort(port: number): boolean {
  return WEB_PORTS.has(port) || (port >= FIRST_FREE_PORT && !BAD_PORTS.has(port));
}

/** The IPv4 address that a gateway or the system makes of an IPv6 address (RFC 4291, RFC 6052, RFC 3056). */
function embeddedAddress(text: string): string | undefined {
  const address = ipaddr.parse(text);
  if (!(address instanceof ipaddr.IPv6)) return undefined;
  const bytes = address.toByteArray();
  const at = (start: number) => bytes.slice(start, start + 4).join('.');
  const range = address.range();
  if (range === 'ipv4Mapped' || range === 'rfc6145') return at(12);
  if (range === '6to4') return at(2);
  // The prefix for local use, 64:ff9b:1::/48, has no rule where the address is.
  const hasWellKnownPrefix = range === 'rfc6052' && bytes.slice(4, 12).every((byte) => byte === 0);
  return hasWellKnownPrefix ? at(12) : undefined;
}

/** The IPv4 address that a network with ISATAP sends packets to (RFC 5214, section 6.1), behind any prefix. */
function isatapAddress(text: string): string | undefined {
  const address = ipaddr.parse(text);
  if (!(address instanceof ipaddr.IPv6)) return undefined;
  const [flags = 0, ...rest] = address.toByteArray().slice(8);
  const isIsatap = (flags & 0xfc) === 0 && rest.slice(0, 3).join() === '0,94,254';
  return isIsatap ? rest.slice(3).join('.') : undefined;
}
