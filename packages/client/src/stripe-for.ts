import Stripe from 'stripe';

export interface StripeForOptions extends Omit<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  /** Where the gateway answers, such as `https://pay.example.com`. */
  readonly baseUrl: string;
  /** `tkg_test_…` or `tkg_live_…` */
  readonly gatewayKey: string;
}

const DEFAULT_PORTS = { 'https:': 443, 'http:': 80 } as const;

/**
 * Makes a client of Stripe's SDK that sends every request to the gateway, uploads of files too.
 * @throws TypeError for an address or a key that can't work
 */
export function stripeFor({ baseUrl, gatewayKey, ...config }: StripeForOptions): Stripe {
  if (!/^tkg_(?:test|live)_/.test(gatewayKey))
    throw new TypeError(
      "gatewayKey must be a gateway key of Tillkeeper, which begins with tkg_test_ or tkg_live_. Keep Stripe's own keys out of this program.",
    );
  const { protocol, hostname, port, pathname, search, hash, username } = urlOf(baseUrl);
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new TypeError('baseUrl must begin with https:// or http://.');
  if (/(?:^|\.)stripe\.com\.?$/.test(hostname))
    throw new TypeError('baseUrl must be the address of the gateway: Stripe takes no gateway keys.');
  if (pathname !== '/' || search || hash || username)
    throw new TypeError(
      "baseUrl must be the root of the gateway, without a path: Stripe's SDK can't send requests below one.",
    );
  return new Stripe(gatewayKey, {
    ...config,
    // Without the brackets of an IPv6 address, which Node takes for a name.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? DEFAULT_PORTS[protocol] : Number(port),
    protocol: protocol === 'https:' ? 'https' : 'http',
  });
}

function urlOf(text: string): URL {
  if (!URL.canParse(text)) throw new TypeError('baseUrl must be a URL such as https://pay.example.com.');
  return new URL(text);
}
