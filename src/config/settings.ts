import { type DynamicModule, Module } from '@nestjs/common';
import type { Secret } from '../common/secret.js';
import { type DatabaseAddress, isLoopbackHost } from './rules.js';
import type { LogLevel, NodeEnv, Registration } from './variables.js';

/** Shared secrets, the first of which signs, or the published keys of an authorization server. */
export type AccessTokens =
  | { kind: 'hs256'; secrets: readonly Secret[]; issuer?: string; audience?: string }
  | { kind: 'jwks'; uri: string; issuer: string; audience: string; acceptTyp: string[] };

/** Location of master keys. The first of several wraps new data keys. */
export type MasterKeySource =
  | {
      provider: 'local';
      /** 32 bytes each, in base64. */
      keys: readonly Secret[];
      /** Description of the location, for the operator. */
      place: string;
    }
  | {
      provider: 'vault';
      /** Without a trailing slash. */
      address: string;
      namespace?: string;
      mount: string;
      /** Names of transit keys. */
      keys: readonly string[];
      /** The token, or the path of its file. */
      token: Secret | string;
    }
  | {
      provider: 'aws-kms';
      /** Key ids, aliases or ARNs. */
      keys: readonly string[];
    };

/** Settings of the database and the vault, which are all that most commands need. */
export class StoreSettings {
  readonly database: DatabaseAddress;
  /** PostgreSQL without the pooler that `database` goes through. */
  readonly directDatabaseUrl?: Secret;
  readonly databasePreparedStatements: boolean;
  readonly databasePoolSize: number;
  readonly migrateOnStart: boolean;
  /** The first wraps, the others only unwrap. A server has at least one. */
  readonly masterKeys: readonly MasterKeySource[];

  constructor(values: Omit<StoreSettings, 'directDatabase'>) {
    Object.assign(this, values);
  }

  /** Address for migrations and change notifications, which need a connection without a pooler. */
  get directDatabase(): DatabaseAddress {
    return this.directDatabaseUrl ? { url: this.directDatabaseUrl } : this.database;
  }
}

/** The configuration of the process, checked at start. variables.ts documents each setting. */
export class Settings extends StoreSettings {
  readonly nodeEnv: NodeEnv;
  readonly host: string;
  readonly port: number;
  /** Without a trailing slash. */
  readonly publicBaseUrl: string;
  /** Absolute path. The folder may not exist yet. */
  readonly dataDir: string;
  readonly console: boolean;
  /** Folder of the built pages. */
  readonly pagesDir: string;
  readonly platform: { readonly name: string; readonly color?: string | undefined };
  readonly accessTokens: AccessTokens;
  readonly developerScope?: string;
  readonly operatorScope?: string;
  /** Whether the built-in authorization server with developer accounts is on. */
  readonly authBuiltin: boolean;
  readonly authRegistration: Registration;
  /** The identity provider at which developers sign in to built-in accounts. */
  readonly oidc?:
    { readonly issuer: string; readonly clientId: string; readonly clientSecret: Secret } | undefined;
  readonly stripeApiBase?: string;
  readonly stripeAcceptRestrictedKeys: boolean;
  readonly gateway: {
    readonly isOn: boolean;
    /** `undefined` for the port of everything else. */
    readonly port?: number | undefined;
    /** Seconds. */
    readonly timeout: number;
    /** Limits of one project; 0 means no limit. */
    readonly requestsPerSecond: number;
    readonly requestsAtOnce: number;
  };
  /** 0 stores no payloads. */
  readonly webhookRetentionDays: number;
  /** Seconds. */
  readonly webhookSecretOverlap: number;
  /** 0 means no limit. */
  readonly rateLimitPerMinute: number;
  /** Trusted proxies: a hop count, or addresses and CIDR ranges. `false` trusts none. */
  readonly trustProxy: false | number | string[];
  readonly corsOrigins: string[];
  /** Addresses and CIDR ranges of receivers of events besides public addresses. */
  readonly destinationAllowNetworks: string[];
  /** Seconds from the stop signal until the server stops listening. */
  readonly shutdownDelay: number;
  /** The SMTP server, the sender, and who gets the daily mail. Without it nothing is sent. */
  readonly mail?: { readonly url: Secret; readonly from: string; readonly operator?: string };
  readonly metricsToken?: Secret;
  readonly logLevel: LogLevel;
  readonly sampleData: boolean;

  constructor(values: Omit<Settings, 'isLoopbackHost' | 'directDatabase'>) {
    super(values);
    Object.assign(this, values);
  }

  /** Whether the server is reachable from this machine only. */
  get isLoopbackHost(): boolean {
    return isLoopbackHost(this.host);
  }
}

/** Provides the settings to every module. A command may have those of the store only. */
@Module({})
export class SettingsModule {
  static forRoot(settings: StoreSettings): DynamicModule {
    const tokens = settings instanceof Settings ? [StoreSettings, Settings] : [StoreSettings];
    const providers = tokens.map((provide) => ({ provide, useValue: settings }));
    return { module: SettingsModule, global: true, providers, exports: tokens };
  }
}

/** Must equal the version in package.json, as a test checks. */
export const VERSION = '0.1.0';
