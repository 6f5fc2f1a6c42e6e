import * as rules from './rules.js';

export const NODE_ENVS = ['development', 'test', 'production'] as const;
export type NodeEnv = (typeof NODE_ENVS)[number];

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const MAX_WEBHOOK_SECRET_OVERLAP_SECONDS = 604_800;

/** Orchestrators rarely wait longer before they kill a process. */
const MAX_SHUTDOWN_DELAY_SECONDS = 300;

export const REGISTRATIONS = ['open', 'closed'] as const;
export type Registration = (typeof REGISTRATIONS)[number];

const MASTER_KEY_PROVIDERS = ['local', 'vault', 'aws-kms'] as const;

export interface Variable<T> {
  /** Meaning in the README's table, without a full stop. */
  readonly summary: string;
  /** Additional sentences for `.env.example`. */
  readonly details?: string;
  readonly isSecret?: boolean;
  /** Name of the secret whose file this variable names. */
  readonly holds?: string;
  /** Ends the sentence "PORT must …". */
  readonly must: string;
  readonly parse: rules.Parse<T>;
  /**
   * Text to parse if the variable is unset; `<NAME>` is replaced by another variable.
   * A default for some environments makes the variable required in the others.
   */
  readonly default?: string | Partial<Record<NodeEnv, string>>;
}

const BOOLEAN = { must: 'be true or false', parse: rules.trueOrFalse };

const SERVER = {
  NODE_ENV: {
    summary: 'development, test or production',
    details: '`development` fills in missing settings. `production` refuses to start without them.',
    must: `be one of ${NODE_ENVS.join(', ')}`,
    parse: rules.oneOf(NODE_ENVS),
    default: 'development',
  },
  HOST: {
    summary: 'Address to listen on',
    must: 'be an IP address or a host name, without a port',
    parse: rules.host,
    default: { development: '127.0.0.1', test: '127.0.0.1', production: '0.0.0.0' },
  },
  PORT: {
    summary: 'Port to listen on; 0 takes a free one',
    must: 'be a whole number from 0 to 65535',
    parse: rules.wholeNumber(0, 65_535),
    default: '3000',
  },
  PUBLIC_BASE_URL: {
    summary: 'External URL, used for webhook URLs',
    details: 'Clients and Stripe reach the service at this URL.',
    must: 'be an absolute http:// or https:// URL without credentials, query or fragment',
    parse: rules.baseUrl,
    default: outsideProduction('http://<HOST>:<PORT>'),
  },
  TRUST_PROXY: {
    summary: 'Trusted proxies',
    details:
      '`X-Forwarded-*` headers of these proxies are trusted: a hop count, or addresses and CIDR ranges, separated by commas. 0 trusts none.',
    must: 'be a hop count from 0 to 100, or a comma list of IP addresses and CIDR ranges; trusting everybody is refused, because any client could then pass for another address',
    parse: rules.trustedProxies,
    default: '0',
  },
  CORS_ORIGINS: {
    summary: 'Web origins that may call the API',
    details: 'Separated by commas.',
    must: 'be a comma list of exact origins such as https://app.example.com, without paths or wildcards',
    parse: rules.listOf(rules.origin),
  },
  RATE_LIMIT_PER_MINUTE: {
    summary: 'Requests per minute per caller',
    details:
      'A caller is the subject of a token, or an address without a token. 0 switches every limit off, except limits of service accounts. The webhook receiver has no limit.',
    must: 'be a whole number from 0 to 1000000',
    parse: rules.wholeNumber(0, 1_000_000),
    default: '600',
  },
  SHUTDOWN_DELAY: {
    summary: 'Time to serve on after SIGTERM',
    details:
      '`/health/ready` answers 503 during this time, so that load balancers stop sending requests. Seconds, or a number with `s` or `m`. The process exits within 10 seconds after it.',
    must: `be a duration from 0 to ${MAX_SHUTDOWN_DELAY_SECONDS / 60}m, in seconds or with one of the units s, m`,
    parse: rules.duration(MAX_SHUTDOWN_DELAY_SECONDS),
    default: { development: '0', test: '0', production: '5s' },
  },
};

const DATABASE = {
  DATA_DIR: {
    summary: 'Folder for files of the server',
    details: 'Contains the SQLite file, and the secrets that development generates.',
    must: 'be the path of a folder',
    parse: rules.path,
    default: './data',
  },
  DATABASE_URL: {
    summary: 'SQLite file or PostgreSQL',
    details:
      '`sqlite:<path>` is an embedded file. `postgres://user:password@host/name` is PostgreSQL 14 or newer.',
    isSecret: true,
    must: 'be sqlite:<path of a file> or postgres://user:password@host/name, with special characters in the password percent-encoded',
    parse: rules.databaseAddress,
    default: outsideProduction('sqlite:<DATA_DIR>/tillkeeper.db'),
  },
  DATABASE_URL_FILE: fileOf('DATABASE_URL'),
  MIGRATE_ON_START: {
    summary: 'Migrate the schema at the start',
    ...BOOLEAN,
    default: 'true',
  },
};

const POSTGRES = {
  DATABASE_DIRECT_URL: {
    summary: 'PostgreSQL without the pooler of `DATABASE_URL`',
    details:
      'Needed if `DATABASE_URL` leads to a pooler in transaction mode, such as PgBouncer: migrations and change notifications need a session of their own. Without this setting they use `DATABASE_URL`.',
    isSecret: true,
    must: 'be postgres://user:password@host/name, with special characters in the password percent-encoded',
    parse: rules.postgresUrl,
  },
  DATABASE_DIRECT_URL_FILE: fileOf('DATABASE_DIRECT_URL'),
  DATABASE_PREPARED_STATEMENTS: {
    summary: 'Keep prepared statements; `false` for some poolers',
    details:
      'A pooler in transaction mode must support prepared statements. PgBouncer does from 1.21 on, unless `max_prepared_statements = 0`.',
    ...BOOLEAN,
    default: 'true',
  },
  DATABASE_POOL_SIZE: {
    summary: 'Maximum number of connections of one process',
    details: 'Migrations and notifications use further ones.',
    must: 'be a whole number from 1 to 1000',
    parse: rules.wholeNumber(1, 1_000),
    default: '10',
  },
};

const MASTER_KEY = {
  MASTER_KEY_PROVIDER: {
    summary: '`local`, `vault` or `aws-kms`',
    details:
      '`local` is `MASTER_KEY`, `vault` is HashiCorp Vault transit. Several providers are separated by commas, to move from one to another: the first wraps, the others only unwrap.',
    must: `be one of ${MASTER_KEY_PROVIDERS.join(', ')}, or a comma list of them`,
    parse: rules.setOf(rules.oneOf(MASTER_KEY_PROVIDERS)),
    default: 'local',
  },
  MASTER_KEY: {
    summary: 'Master key for `local`: base64 of 32 random bytes',
    details:
      'Make one with `openssl rand -base64 32`. Several keys are separated by commas: the first wraps, the others only unwrap. `local` requires this or `MASTER_KEY_FILE`. Development generates `<DATA_DIR>/master.key`.',
    isSecret: true,
    must: 'be the base64 of exactly 32 bytes, or a comma list of such keys',
    parse: rules.masterKeys,
  },
  MASTER_KEY_FILE: {
    summary: 'File that contains the master key, or several, one per line',
    details: 'Replaces `MASTER_KEY`.',
    must: 'name a readable file that holds the base64 of exactly 32 bytes, or a line of it for each of several keys',
    parse: rules.path,
  },
  VAULT_ADDR: {
    summary: 'URL of HashiCorp Vault, for `vault`',
    must: 'be an absolute http:// or https:// URL without credentials, query or fragment',
    parse: rules.baseUrl,
  },
  VAULT_TOKEN: {
    summary: 'Vault token that may encrypt and decrypt with the transit key',
    details: 'Required for `vault`, unless `VAULT_TOKEN_FILE` is set.',
    isSecret: true,
    must: 'be a token of visible ASCII characters',
    parse: rules.vaultToken,
  },
  VAULT_TOKEN_FILE: {
    summary: 'File that contains `VAULT_TOKEN`',
    details: 'Replaces the variable. It is read for each use, so that an agent may renew the token.',
    must: 'be the path of a file',
    parse: rules.path,
  },
  VAULT_NAMESPACE: {
    summary: 'Namespace in Vault',
    must: 'be the path of a namespace',
    parse: rules.matching(/^[\w.-]+(\/[\w.-]+)*\/?$/),
  },
  VAULT_TRANSIT_MOUNT: {
    summary: "Mount path of Vault's transit engine",
    must: 'be the path of a mount, at most 20 characters',
    parse: rules.matching(/^(?=.{1,20}$)[\w.-]+(\/[\w.-]+)*$/),
    default: 'transit',
  },
  VAULT_TRANSIT_KEY: {
    summary: 'Name of the key in the transit engine',
    details: 'Several names are separated by commas: the first wraps, the others only unwrap.',
    must: 'be a name of at most 36 letters, digits, dots, hyphens and underscores, or a comma list of them',
    parse: rules.setOf(rules.matching(/^[\w.-]{1,36}$/)),
    default: 'tillkeeper',
  },
  AWS_KMS_KEY_ID: {
    summary: 'Id, alias or ARN of the key in AWS KMS, for `aws-kms`',
    details:
      "Several keys are separated by commas: the first wraps, the others only unwrap. AWS's SDK looks for region and credentials in its usual places.",
    must: 'be the id, alias (alias/…) or ARN of a KMS key, with a name of at most 44 characters, or a comma list of them',
    parse: rules.setOf(
      rules.matching(/^((arn:[\w-]+:kms:[\w-]+:\d+:(key|alias)|alias)\/[\w/-]{1,44}|[\w-]{1,44})$/),
    ),
  },
};

const AUTH = {
  AUTH_JWT_SECRET: {
    summary: 'Key of HS256 access tokens, at least 32 bytes',
    details:
      'The UTF-8 bytes as written. Several secrets are separated by whitespace: the first signs, the others only verify. Required, unless `AUTH_JWKS_URI` is set. Development generates `<DATA_DIR>/token.secret`.',
    isSecret: true,
    must: 'be at least 32 bytes long, or several secrets that are, with whitespace between them',
    parse: rules.tokenSecrets,
  },
  AUTH_JWT_SECRET_FILE: fileOf('AUTH_JWT_SECRET'),
  AUTH_JWKS_URI: {
    summary: 'Keys of your authorization server',
    details: 'URL of its JSON Web Key Set, with keys for RS256, ES256 or EdDSA. Replaces `AUTH_JWT_SECRET`.',
    must: 'be an https:// URL without credentials or fragment (http:// only on a loopback host)',
    parse: rules.jwksUri,
  },
  AUTH_ISSUER: {
    summary: 'Required `iss` of access tokens',
    details: 'Must be set with `AUTH_JWKS_URI`. Otherwise an empty setting accepts any.',
    must: 'be the issuer of the access tokens',
    parse: rules.anyText,
  },
  AUTH_AUDIENCE: {
    summary: 'Required `aud` of access tokens',
    details: 'Must be set with `AUTH_JWKS_URI`. Otherwise an empty setting accepts any.',
    must: 'be the audience of the access tokens',
    parse: rules.anyText,
  },
  AUTH_ACCEPT_TYP: {
    summary: 'Accepted `typ` headers with `AUTH_JWKS_URI`',
    details: 'Separated by commas.',
    must: 'be a comma list of token types such as at+jwt',
    parse: rules.listOf(rules.matching(/^[\w!#$&^.+/-]+$/)),
    default: 'at+jwt',
  },
  AUTH_DEVELOPER_SCOPE: {
    summary: "Required scope of developers' tokens",
    must: 'be one OAuth scope, without spaces, quotes or backslashes',
    parse: rules.matching(/^[\x21\x23-\x5b\x5d-\x7e]+$/),
  },
  AUTH_OPERATOR_SCOPE: {
    summary: "Scope of operators' tokens",
    details:
      'A person whose token has this scope is an operator: an admin in every project. Without this setting only service accounts are operators. Must differ from `AUTH_DEVELOPER_SCOPE`.',
    must: 'be one OAuth scope, without spaces, quotes or backslashes',
    parse: rules.matching(/^[\x21\x23-\x5b\x5d-\x7e]+$/),
  },
  AUTH_BUILTIN: {
    summary: 'Built-in developer accounts',
    details:
      'Enables accounts with password login at `/api/v1/auth/…`. Must be off when `AUTH_JWKS_URI` is set, which switches the default off.',
    ...BOOLEAN,
    default: { development: 'true', test: 'true', production: 'false' },
  },
  AUTH_REGISTRATION: {
    summary: 'Registration of developers: `open` or `closed`',
    details:
      '`open` lets anybody register. With `closed`, only the operator adds accounts, with `tillkeeper developers add`.',
    must: `be one of ${REGISTRATIONS.join(', ')}`,
    parse: rules.oneOf(REGISTRATIONS),
    default: { development: 'open', test: 'open', production: 'closed' },
  },
};

const OIDC = {
  AUTH_OIDC_ISSUER: {
    summary: 'Identity provider for signing in to the console',
    details:
      'Its issuer URL (OpenID Connect). Needs `AUTH_BUILTIN=true`. The redirect URI is `<PUBLIC_BASE_URL>/api/v1/session/oidc/callback`.',
    must: 'be an https:// URL without credentials or fragment (http:// only on a loopback host)',
    parse: rules.jwksUri,
  },
  AUTH_OIDC_CLIENT_ID: {
    summary: 'Client id at the identity provider',
    must: 'be the client id, of visible ASCII characters',
    parse: rules.matching(/^[\x21-\x7e]+$/),
  },
  AUTH_OIDC_CLIENT_SECRET: {
    summary: 'Client secret at the identity provider',
    isSecret: true,
    must: 'be the client secret, of visible ASCII characters',
    parse: rules.vaultToken,
  },
  AUTH_OIDC_CLIENT_SECRET_FILE: fileOf('AUTH_OIDC_CLIENT_SECRET'),
};

const PAGES = {
  CONSOLE: {
    summary: 'Web console at `/console`',
    ...BOOLEAN,
    default: { development: 'true', test: 'false', production: 'false' },
  },
  PLATFORM_NAME: {
    summary: 'Name of your platform',
    details: 'The console shows it, and the page on which tenants connect Stripe.',
    must: 'be 1 to 60 visible characters, without spaces at its ends',
    parse: rules.matching(/^(?!\s)\P{C}{1,60}(?<!\s)$/u),
    default: 'Tillkeeper',
  },
  PLATFORM_COLOR: {
    summary: 'Colour of your platform, as `#0b5fff`',
    must: 'be # and six hexadecimal digits',
    parse: rules.matching(/^#[\da-f]{6}$/i),
  },
};

const STRIPE = {
  STRIPE_API_BASE: {
    summary: "Replacement for Stripe's origin, for tests",
    details: 'Refused in production.',
    must: 'be an http:// or https:// origin without a path',
    parse: rules.origin,
  },
  STRIPE_ACCEPT_RESTRICTED_KEYS: {
    summary: 'Accept restricted keys as secret keys',
    details: 'Restricted keys begin with `rk_test_` or `rk_live_`.',
    ...BOOLEAN,
    default: 'false',
  },
  STRIPE_GATEWAY: {
    summary: "Gateway at `/v1/*` and `/v2/*`, for Stripe's SDKs",
    ...BOOLEAN,
    default: 'false',
  },
  STRIPE_GATEWAY_PORT: {
    summary: 'Own port of the gateway',
    details: 'The gateway answers there only, and nothing else does. Must differ from `PORT`.',
    must: 'be a whole number from 1 to 65535',
    parse: rules.wholeNumber(1, 65_535),
  },
  STRIPE_GATEWAY_TIMEOUT: {
    summary: 'How long Stripe may be silent before the gateway gives up',
    details: 'Seconds, or a number with `s` or `m`. SDKs wait 80 seconds by default.',
    must: 'be a duration from 1s to 10m, in seconds or with one of the units s, m',
    parse: (text: string) => rules.duration(600)(text) || undefined,
    default: '60s',
  },
  STRIPE_GATEWAY_RATE: {
    summary: 'Requests per second of a project through the gateway',
    details: 'In one process. A gateway key has half of them. 0 means no limit.',
    must: 'be a whole number from 0 to 1000000',
    parse: rules.wholeNumber(0, 1_000_000),
    default: '200',
  },
  STRIPE_GATEWAY_CONCURRENCY: {
    summary: 'Unanswered requests of a project through the gateway',
    details: 'In one process. A gateway key has half of them. 0 means no limit.',
    must: 'be a whole number from 0 to 100000',
    parse: rules.wholeNumber(0, 100_000),
    default: '200',
  },
  WEBHOOK_RETENTION_DAYS: {
    summary: 'Days to keep the payloads of webhook events',
    details: 'Payloads are sealed and can be replayed. 0 keeps none.',
    must: 'be a whole number from 0 to 365',
    parse: rules.wholeNumber(0, 365),
    default: '30',
  },
  WEBHOOK_SECRET_OVERLAP: {
    summary: 'How long a replaced webhook secret stays valid',
    details: 'Seconds, or a number with `s`, `m`, `h` or `d`. 0 ends it at once.',
    must: 'be a duration from 0 to 7d, in seconds or with one of the units s, m, h, d',
    parse: rules.duration(MAX_WEBHOOK_SECRET_OVERLAP_SECONDS),
    default: '24h',
  },
};

const EVENTS = {
  DESTINATION_ALLOW_NETWORKS: {
    summary: 'Internal networks that may receive events',
    details:
      'Addresses and CIDR ranges, separated by commas. Events are sent to public addresses otherwise, and outside of production to this machine too.',
    must: 'be a comma list of IP addresses and CIDR ranges such as 10.1.0.0/16',
    parse: rules.listOf(rules.addressRange),
  },
};

const MAIL = {
  SMTP_URL: {
    summary: 'Mail server, for password resets, invitations and problems of projects',
    details:
      '`smtps://` is TLS from the start (port 465). `smtp://` is STARTTLS (port 587), which production demands except on a loopback host. Needs `MAIL_FROM`. Without it nothing is sent.',
    isSecret: true,
    must: 'be smtp://user:password@host:port or smtps://…, without a path, and with special characters in the password percent-encoded',
    parse: rules.smtpUrl,
  },
  SMTP_URL_FILE: fileOf('SMTP_URL'),
  MAIL_FROM: {
    summary: 'Sender of mails',
    details: 'Such as `Tillkeeper <pay@example.com>`.',
    must: 'be an e-mail address, or a name and an address as in Tillkeeper <pay@example.com>',
    parse: rules.mailbox,
  },
  OPERATOR_MAIL: {
    summary: 'Address that gets a daily mail about the problems of all projects',
    details: 'Needs `SMTP_URL`. Without it no such mail is sent.',
    must: 'be an e-mail address',
    parse: rules.mailAddress,
  },
};

const OPERATION = {
  METRICS_TOKEN: {
    summary: 'Bearer token that enables `/metrics`',
    details: 'At least 16 bytes. Without it there is no `/metrics`.',
    isSecret: true,
    must: 'be at least 16 bytes long, of visible ASCII characters',
    parse: rules.metricsToken,
  },
  METRICS_TOKEN_FILE: fileOf('METRICS_TOKEN'),
  LOG_LEVEL: {
    summary: 'Minimum level of logged messages',
    details: `One of ${LOG_LEVELS.join(', ')}.`,
    must: `be one of ${LOG_LEVELS.join(', ')}`,
    parse: rules.oneOf(LOG_LEVELS),
    default: 'info',
  },
  SAMPLE_DATA: {
    summary: 'Sample project in an empty database',
    details: 'Creates a sample developer and project, and prints a first request. Refused in production.',
    ...BOOLEAN,
    default: { development: 'true', test: 'false', production: 'false' },
  },
};

const TABLE = {
  ...SERVER,
  ...DATABASE,
  ...POSTGRES,
  ...MASTER_KEY,
  ...AUTH,
  ...OIDC,
  ...PAGES,
  ...STRIPE,
  ...EVENTS,
  ...MAIL,
  ...OPERATION,
} satisfies Record<string, Variable<unknown>>;

/** Groups of variables in the documentation. */
export const TOPICS: Readonly<Record<string, object>> = {
  Server: SERVER,
  Database: DATABASE,
  'PostgreSQL connections': POSTGRES,
  'Master key': MASTER_KEY,
  'Access tokens and accounts': AUTH,
  'Sign-in with an identity provider': OIDC,
  'Console and connect page': PAGES,
  'Stripe and webhooks': STRIPE,
  Events: EVENTS,
  Mail: MAIL,
  'Metrics, log and samples': OPERATION,
};

type Types = {
  [Name in keyof typeof TABLE]: (typeof TABLE)[Name] extends { parse: rules.Parse<infer T> } ? T : never;
};

export type VariableName = keyof Types;
export type ValueOf<Name extends VariableName> = Types[Name];

/** Every environment variable. config-docs.ts generates the documentation from this table. */
export const VARIABLES: { readonly [Name in VariableName]: Variable<Types[Name]> } = TABLE;

export function isVariableName(name: string): name is VariableName {
  return Object.hasOwn(VARIABLES, name);
}

export const VARIABLE_NAMES: readonly VariableName[] = Object.keys(VARIABLES).filter(isVariableName);

/**
 * Defines a variable for a secret's file: platforms mount secrets as files, and an environment leaks more
 * easily.
 */
function fileOf(name: string): Variable<string> {
  return {
    summary: `File that contains \`${name}\``,
    details: 'Replaces the variable. Whitespace at its end is ignored.',
    holds: name,
    must: 'name a readable file',
    parse: rules.path,
  };
}

function outsideProduction(text: string): Partial<Record<NodeEnv, string>> {
  return { development: text, test: text };
}
