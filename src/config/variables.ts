import * as rules from './rules.js';

export const NODE_ENVS = ['development', 'test', 'production'] as const;
export type NodeEnv = (typeof NODE_ENVS)[number];

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const MAX_WEBHOOK_SECRET_OVERLAP_SECONDS = 604_800;

/** Seconds that an orchestrator commonly waits before it kills, less those that a stop may take. */
const MAX_SHUTDOWN_DELAY_SECONDS = 300;

export const REGISTRATIONS = ['open', 'closed'] as const;
export type Registration = (typeof REGISTRATIONS)[number];

const MASTER_KEY_PROVIDERS = ['local', 'vault', 'aws-kms'] as const;

export interface Variable<T> {
  readonly description: string;
  readonly isSecret?: true;
  /** Of a variable that names a file: the secret that is read from it. */
  readonly holds?: string;
  /** What the text must do or be; it ends the sentence "PORT must …". */
  readonly must: string;
  readonly parse: rules.Parse<T>;
  /**
   * The text to read when the variable isn't set; `<NAME>` stands for another variable, which comes earlier in the table.
   * A default for some environments makes the variable required in the others; without any default it is optional.
   */
  readonly default?: string | Partial<Record<NodeEnv, string>>;
}

const BOOLEAN = { must: 'be true or false', parse: rules.trueOrFalse };

const TABLE = {
  NODE_ENV: {
    description:
      'What this process is for, development, test or production: development fills in what is missing, production refuses to start without it.',
    must: `be one of ${NODE_ENVS.join(', ')}`,
    parse: rules.oneOf(NODE_ENVS),
    default: 'development',
  },
  HOST: {
    description: 'The address to listen on.',
    must: 'be an IP address or a host name, without a port',
    parse: rules.host,
    default: { development: '127.0.0.1', test: '127.0.0.1', production: '0.0.0.0' },
  },
  PORT: {
    description: 'The port to listen on; 0 takes any free one.',
    must: 'be a whole number from 0 to 65535',
    parse: rules.wholeNumber(0, 65_535),
    default: '3000',
  },
  PUBLIC_BASE_URL: {
    description: 'Where clients and Stripe reach this service from outside; webhook URLs are built from it.',
    must: 'be an absolute http:// or https:// URL without credentials, query or fragment',
    parse: rules.baseUrl,
    default: outsideProduction('http://<HOST>:<PORT>'),
  },
  DATA_DIR: {
    description: 'The folder for the SQLite file and for the secrets that development makes for itself.',
    must: 'be the path of a folder',
    parse: rules.path,
    default: './data',
  },
  DATABASE_URL: {
    description:
      'The database: `sqlite:<path>` for an embedded file, `postgres://user:password@host/name` for PostgreSQL 14 or newer.',
    isSecret: true,
    must: 'be sqlite:<path of a file> or postgres://user:password@host/name, with special characters in the password percent-encoded',
    parse: rules.databaseAddress,
    default: outsideProduction('sqlite:<DATA_DIR>/tillkeeper.db'),
  },
  DATABASE_URL_FILE: fileOf('DATABASE_URL'),
  DATABASE_DIRECT_URL: {
    description:
      'PostgreSQL itself, where `DATABASE_URL` leads to a pooler in transaction mode such as PgBouncer: migrations and change notifications need a connection of their own. `DATABASE_URL` unless set.',
    isSecret: true,
    must: 'be postgres://user:password@host/name, with special characters in the password percent-encoded',
    parse: rules.postgresUrl,
  },
  DATABASE_DIRECT_URL_FILE: fileOf('DATABASE_DIRECT_URL'),
  DATABASE_PREPARED_STATEMENTS: {
    description:
      'Whether PostgreSQL keeps statements prepared for the next use; false for a pooler in transaction mode that does not know them (PgBouncer before 1.21, or with `max_prepared_statements = 0`).',
    ...BOOLEAN,
    default: 'true',
  },
  DATABASE_POOL_SIZE: {
    description: 'The most PostgreSQL connections that one process opens for queries.',
    must: 'be a whole number from 1 to 1000',
    parse: rules.wholeNumber(1, 1_000),
    default: '10',
  },
  MIGRATE_ON_START: {
    description: 'Whether to bring the database schema up to date before listening.',
    ...BOOLEAN,
    default: 'true',
  },
  MASTER_KEY_PROVIDER: {
    description:
      'Who holds the master key: `local` (`MASTER_KEY`), `vault` (HashiCorp Vault transit) or `aws-kms`. Of several, separated by commas, the first wraps and the others only unwrap, for moving from one to another.',
    must: `be one of ${MASTER_KEY_PROVIDERS.join(', ')}, or a comma list of them`,
    parse: rules.setOf(rules.oneOf(MASTER_KEY_PROVIDERS)),
    default: 'local',
  },
  MASTER_KEY: {
    description:
      'The key that wraps all data keys, as base64 of 32 random bytes (`openssl rand -base64 32`); of several, separated by commas, the first wraps and the others only unwrap. This or `MASTER_KEY_FILE` is required for `local`, except that development keeps one of its own in `<DATA_DIR>/master.key`.',
    isSecret: true,
    must: 'be the base64 of exactly 32 bytes, or a comma list of such keys',
    parse: rules.masterKeys,
  },
  MASTER_KEY_FILE: {
    description: 'A file that holds the master key, or several with a line each, instead of `MASTER_KEY`.',
    must: 'name a readable file that holds the base64 of exactly 32 bytes, or a line of it for each of several keys',
    parse: rules.path,
  },
  VAULT_ADDR: {
    description: 'Where HashiCorp Vault is, for `MASTER_KEY_PROVIDER=vault`.',
    must: 'be an absolute http:// or https:// URL without credentials, query or fragment',
    parse: rules.baseUrl,
  },
  VAULT_TOKEN: {
    description: 'The token that may encrypt and decrypt with the transit key; this or `VAULT_TOKEN_FILE`.',
    isSecret: true,
    must: 'be a token of visible ASCII characters',
    parse: rules.vaultToken,
  },
  VAULT_TOKEN_FILE: {
    description:
      'A file that holds the token, instead of `VAULT_TOKEN`. It is read for each use, so that an agent may renew it.',
    must: 'be the path of a file',
    parse: rules.path,
  },
  VAULT_NAMESPACE: {
    description: 'The namespace in Vault, where it has them.',
    must: 'be the path of a namespace',
    parse: rules.matching(/^[\w.-]+(\/[\w.-]+)*\/?$/),
  },
  VAULT_TRANSIT_MOUNT: {
    description: "Where Vault's transit engine is mounted.",
    must: 'be the path of a mount, at most 20 characters',
    parse: rules.matching(/^(?=.{1,20}$)[\w.-]+(\/[\w.-]+)*$/),
    default: 'transit',
  },
  VAULT_TRANSIT_KEY: {
    description:
      'The name of the transit key; of several, separated by commas, the first wraps and the others only unwrap.',
    must: 'be a name of at most 36 letters, digits, dots, hyphens and underscores, or a comma list of them',
    parse: rules.setOf(rules.matching(/^[\w.-]{1,36}$/)),
    default: 'tillkeeper',
  },
  AWS_KMS_KEY_ID: {
    description:
      "The id, alias or ARN of the key for `MASTER_KEY_PROVIDER=aws-kms`; of several, separated by commas, the first wraps and the others only unwrap. Region and credentials come from where AWS's SDK looks for them.",
    must: 'be the id, alias (alias/…) or ARN of a KMS key, with a name of at most 44 characters, or a comma list of them',
    parse: rules.setOf(
      rules.matching(/^((arn:[\w-]+:kms:[\w-]+:\d+:(key|alias)|alias)\/[\w/-]{1,44}|[\w-]{1,44})$/),
    ),
  },
  AUTH_JWT_SECRET: {
    description:
      'The secret of HS256 access tokens, its UTF-8 bytes as written, at least 32; of several, separated by whitespace, the first signs and the others only verify. This or `AUTH_JWKS_URI` is required, except that development keeps one of its own in `<DATA_DIR>/token.secret`.',
    isSecret: true,
    must: 'be at least 32 bytes long, or several secrets that are, with whitespace between them',
    parse: rules.tokenSecrets,
  },
  AUTH_JWT_SECRET_FILE: fileOf('AUTH_JWT_SECRET'),
  AUTH_JWKS_URI: {
    description:
      'Where your authorization server publishes its keys (RS256, ES256, EdDSA), instead of `AUTH_JWT_SECRET`.',
    must: 'be an https:// URL without credentials or fragment (http:// only on a loopback host)',
    parse: rules.jwksUri,
  },
  AUTH_ISSUER: {
    description:
      'The `iss` that access tokens must carry; required with `AUTH_JWKS_URI`, unchecked when not set.',
    must: 'be the issuer of the access tokens',
    parse: rules.anyText,
  },
  AUTH_AUDIENCE: {
    description:
      'The `aud` that access tokens must carry; required with `AUTH_JWKS_URI`, unchecked when not set.',
    must: 'be the audience of the access tokens',
    parse: rules.anyText,
  },
  AUTH_ACCEPT_TYP: {
    description:
      'The `typ` headers accepted in tokens that are checked through `AUTH_JWKS_URI`, separated by commas.',
    must: 'be a comma list of token types such as at+jwt',
    parse: rules.listOf(rules.matching(/^[\w!#$&^.+/-]+$/)),
    default: 'at+jwt',
  },
  AUTH_DEVELOPER_SCOPE: {
    description: "A scope that a developer's token must carry.",
    must: 'be one OAuth scope, without spaces, quotes or backslashes',
    parse: rules.matching(/^[\x21\x23-\x5b\x5d-\x7e]+$/),
  },
  AUTH_BUILTIN: {
    description:
      'Whether this service keeps accounts of developers itself (`/api/v1/auth/…`), who log in with a password; off with `AUTH_JWKS_URI`, beside which `true` is refused.',
    ...BOOLEAN,
    default: { development: 'true', test: 'true', production: 'false' },
  },
  AUTH_REGISTRATION: {
    description:
      'Who may make such an account: anybody (open), or only the operator with `tillkeeper developers add` (closed).',
    must: `be one of ${REGISTRATIONS.join(', ')}`,
    parse: rules.oneOf(REGISTRATIONS),
    default: { development: 'open', test: 'open', production: 'closed' },
  },
  STRIPE_API_BASE: {
    description: "An origin to call in place of Stripe's, for tests; refused in production.",
    must: 'be an http:// or https:// origin without a path',
    parse: rules.origin,
  },
  STRIPE_ACCEPT_RESTRICTED_KEYS: {
    description: 'Whether restricted keys (`rk_test_…`, `rk_live_…`) may be stored as secret keys.',
    ...BOOLEAN,
    default: 'false',
  },
  WEBHOOK_RETENTION_DAYS: {
    description:
      'For how many days the payloads of webhook events are kept, sealed, to be replayed; 0 keeps none.',
    must: 'be a whole number from 0 to 365',
    parse: rules.wholeNumber(0, 365),
    default: '30',
  },
  WEBHOOK_SECRET_OVERLAP: {
    description:
      'How long a webhook secret is still accepted after another one took its place: seconds, or a number with `s`, `m`, `h` or `d`; 0 ends it at once.',
    must: 'be a duration from 0 to 7d, in seconds or with one of the units s, m, h, d',
    parse: rules.duration(MAX_WEBHOOK_SECRET_OVERLAP_SECONDS),
    default: '24h',
  },
  RATE_LIMIT_PER_MINUTE: {
    description:
      'How many requests a minute one token subject may make, or one address without a token; 0 switches every limit off, and the webhook receiver has none.',
    must: 'be a whole number from 0 to 1000000',
    parse: rules.wholeNumber(0, 1_000_000),
    default: '600',
  },
  TRUST_PROXY: {
    description:
      "Whose `X-Forwarded-*` headers to believe: a number of proxies, or their addresses and CIDR ranges separated by commas; 0 is nobody's.",
    must: 'be a hop count from 0 to 100, or a comma list of IP addresses and CIDR ranges; trusting everybody is refused, because any client could then pass for another address',
    parse: rules.trustedProxies,
    default: '0',
  },
  CORS_ORIGINS: {
    description: 'The web origins whose pages may call the API, separated by commas.',
    must: 'be a comma list of exact origins such as https://app.example.com, without paths or wildcards',
    parse: rules.listOf(rules.origin),
  },
  SHUTDOWN_DELAY: {
    description:
      'How long the server goes on serving after SIGTERM while `/health/ready` already answers 503, so that load balancers stop sending first: seconds, or a number with `s` or `m`. It exits within 10 seconds after it.',
    must: `be a duration from 0 to ${MAX_SHUTDOWN_DELAY_SECONDS / 60}m, in seconds or with one of the units s, m`,
    parse: rules.duration(MAX_SHUTDOWN_DELAY_SECONDS),
    default: { development: '0', test: '0', production: '5s' },
  },
  METRICS_TOKEN: {
    description:
      'The bearer token that `/metrics` asks for, at least 16 bytes; without it there is no `/metrics`.',
    isSecret: true,
    must: 'be at least 16 bytes long, of visible ASCII characters',
    parse: rules.metricsToken,
  },
  METRICS_TOKEN_FILE: fileOf('METRICS_TOKEN'),
  LOG_LEVEL: {
    description: `The least severe messages to log: ${LOG_LEVELS.join(', ')}.`,
    must: `be one of ${LOG_LEVELS.join(', ')}`,
    parse: rules.oneOf(LOG_LEVELS),
    default: 'info',
  },
  SAMPLE_DATA: {
    description:
      'Whether to put a sample developer and project into an empty database and print a request to try; refused in production.',
    ...BOOLEAN,
    default: { development: 'true', test: 'false', production: 'false' },
  },
} satisfies Record<string, Variable<unknown>>;

type Types = {
  [Name in keyof typeof TABLE]: (typeof TABLE)[Name] extends { parse: rules.Parse<infer T> } ? T : never;
};

export type VariableName = keyof Types;
export type ValueOf<Name extends VariableName> = Types[Name];

/** Every environment variable. The documentation is made from it too: see config-docs.ts. */
export const VARIABLES: { readonly [Name in VariableName]: Variable<Types[Name]> } = TABLE;

export function isVariableName(name: string): name is VariableName {
  return Object.hasOwn(VARIABLES, name);
}

export const VARIABLE_NAMES: readonly VariableName[] = Object.keys(VARIABLES).filter(isVariableName);

/** Container platforms mount secrets as files, and an environment is easier to read than a file. */
function fileOf(name: string): Variable<string> {
  const description = `A file that holds \`${name}\`, instead of the variable. Whitespace at its end does not count.`;
  return { description, holds: name, must: 'name a readable file', parse: rules.path };
}

function outsideProduction(text: string): Partial<Record<NodeEnv, string>> {
  return { development: text, test: text };
}
