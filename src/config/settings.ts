import { type DynamicModule, Module } from '@nestjs/common';
import type { Secret } from '../common/secret.js';
import { type DatabaseAddress, isLoopbackHost } from './rules.js';
import type { LogLevel, NodeEnv, Registration } from './variables.js';

/**
 * How access tokens are checked: with shared secrets, of which the first signs, or with the published keys of
 * an authorization server.
 */
export type AccessTokens =
  | { kind: 'hs256'; secrets: readonly Secret[]; issuer?: string; audience?: string }
  | { kind: 'jwks'; uri: string; issuer: string; audience: string; acceptTyp: string[] };

/** Where master keys are. Of several in one place, the first wraps. */
export type MasterKeySource =
  | {
      provider: 'local';
      /** Base64 of 32 bytes each. */
      keys: readonly Secret[];
      /** Where they are, in words for the operator. */
      place: string;
    }
  | {
      provider: 'vault';
      /** Without a slash at its end. */
      address: string;
      namespace?: string;
      mount: string;
      /** Names. */
      keys: readonly string[];
      /** Itself, or the path of the file that has it. */
      token: Secret | string;
    }
  | {
      provider: 'aws-kms';
      /** Ids, aliases or ARNs. */
      keys: readonly string[];
    };

/** What it takes to reach the database and to open what is sealed in it: all that most commands need. */
export class StoreSettings {
  readonly database: DatabaseAddress;
  /** PostgreSQL without a pooler before it, where `database` leads through one. */
  readonly directDatabaseUrl?: Secret;
  readonly databasePreparedStatements: boolean;
  readonly databasePoolSize: number;
  readonly migrateOnStart: boolean;
  /** The first wraps, the others only unwrap. A server has at least one. */
  readonly masterKeys: readonly MasterKeySource[];

  constructor(values: Omit<StoreSettings, 'directDatabase'>) {
    Object.assign(this, values);
  }

  /** Where connections lead that nobody else gets in between: for migrations and change notifications. */
  get directDatabase(): DatabaseAddress {
    return this.directDatabaseUrl ? { url: this.directDatabaseUrl } : this.database;
  }
}

/**
 * The configuration of the process, checked at start. What each setting means and its default: variables.ts.
 */
export class Settings extends StoreSettings {
  readonly nodeEnv: NodeEnv;
  readonly host: string;
  readonly port: number;
  /** Without a slash at its end. */
  readonly publicBaseUrl: string;
  /** Absolute; the folder may not exist yet. */
  readonly dataDir: string;
  readonly accessTokens: AccessTokens;
  readonly developerScope?: string;
  /** Whether the service keeps accounts of developers itself. */
  readonly authBuiltin: boolean;
  readonly authRegistration: Registration;
  readonly stripeApiBase?: string;
  readonly stripeAcceptRestrictedKeys: boolean;
  /** 0: none are kept. */
  readonly webhookRetentionDays: number;
  /** Seconds. */
  readonly webhookSecretOverlap: number;
  /** 0: no limit. */
  readonly rateLimitPerMinute: number;
  /** A number of proxies, or their addresses and CIDR ranges; `false`: none. */
  readonly trustProxy: false | number | string[];
  readonly corsOrigins: string[];
  /** Seconds between the signal to stop and the end of listening. */
  readonly shutdownDelay: number;
  readonly metricsToken?: Secret;
  readonly logLevel: LogLevel;
  readonly sampleData: boolean;

  constructor(values: Omit<Settings, 'isLoopbackHost' | 'directDatabase'>) {
    super(values);
    Object.assign(this, values);
  }

  /** Whether only this machine can reach the server. */
  get isLoopbackHost(): boolean {
    return isLoopbackHost(this.host);
  }
}

/**
 * Gives every room the settings that were read at start; a command may have no others than those of the
 * store.
 */
@Module({})
export class SettingsModule {
  static forRoot(settings: StoreSettings): DynamicModule {
    const tokens = settings instanceof Settings ? [StoreSettings, Settings] : [StoreSettings];
    const providers = tokens.map((provide) => ({ provide, useValue: settings }));
    return { module: SettingsModule, global: true, providers, exports: tokens };
  }
}

/** The same as in package.json; a test says so. */
export const VERSION = '0.1.0';
