import { fakeLetters, type KeyRing, legacyKey, modernKey, type Permission } from './keys.js';
import type { StripeMode } from './refusals.js';
import { seedCatalog } from './routes/catalog.routes.js';
import { seedPortal } from './routes/portal.routes.js';
import { type Site, StripeData } from './stripe-data.js';

interface Keys {
  readonly secret: string;
  readonly publishable: string;
  /** A secret key in the form from before 2018. */
  readonly legacySecret: string;
}

/** A Stripe account with one product, a configured portal, and keys for both modes. */
export class StripeAccount {
  readonly id: string;
  readonly name: string;
  readonly test: StripeData;
  readonly live: StripeData;
  readonly keys: Readonly<Record<StripeMode, Keys>>;

  constructor(
    nth: number,
    site: Site,
    private readonly ring: KeyRing,
    { id = `acct_1${fakeLetters(nth).repeat(15).slice(0, 15)}`, name = `Account ${fakeLetters(nth)}` } = {},
  ) {
    this.id = id;
    this.name = name;
    this.test = new StripeData('test', site);
    this.live = new StripeData('live', site);
    this.test.twin = this.live;
    this.live.twin = this.test;
    for (const data of [this.test, this.live]) {
      seedCatalog(data);
      seedPortal(data);
    }
    const keysFor = (mode: StripeMode): Keys => ({
      secret: this.addSecretKey(mode),
      publishable: this.ring.add(modernKey('pk', mode, id, 0), this, mode),
      legacySecret: this.ring.add(legacyKey(mode, nth), this, mode),
    });
    this.keys = { test: keysFor('test'), live: keysFor('live') };
  }

  /** One more secret key, as after a roll. */
  addSecretKey(mode: StripeMode): string {
    return this.add('sk', mode);
  }

  /** A restricted key with only these permissions. Stripe's "write" includes "read". */
  addRestrictedKey(mode: StripeMode, permissions: readonly Permission[]): string {
    return this.add('rk', mode, permissions);
  }

  private add(prefix: 'sk' | 'rk', mode: StripeMode, permissions?: readonly Permission[]): string {
    let nth = 0;
    while (this.ring.has(modernKey(prefix, mode, this.id, nth))) nth += 1;
    return this.ring.add(modernKey(prefix, mode, this.id, nth), this, mode, permissions);
  }
}
