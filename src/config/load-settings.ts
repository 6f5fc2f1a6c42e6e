import { fileURLToPath } from 'node:url';
import type { Secret } from '../common/secret.js';
import { ConfigurationError, developmentFile, Environment } from './environment.js';
import { isGuessable, MUST_BE_RANDOM } from './guessable.js';
import { MASTER_KEY_VARIABLES, MasterKeySources } from './master-key-sources.js';
import type { SecretFile } from './secret-file.js';
import { type AccessTokens, Settings, StoreSettings } from './settings.js';
import { isVariableName, VARIABLE_NAMES } from './variables.js';

/** Reports names one typing error away from a variable, since a misspelt one has no effect. */
function misspeltNames(given: NodeJS.ProcessEnv): string[] {
  return Object.keys(given)
    .filter((name) => given[name] && !isVariableName(name))
    .flatMap((name) => {
      const meant = VARIABLE_NAMES.find((known) => isSlip(name, known));
      return meant === undefined ? [] : `${name} is not a variable of this program: write ${meant}.`;
    });
}

function isSlip(name: string, known: string): boolean {
  // A different digit makes a different name, such as AUTH0_AUDIENCE or PORT2.
  if (digitsOf(name) !== digitsOf(known)) return false;
  // Short words are one letter away from many others, such as HOST from HOSTS.
  if (!known.includes('_')) return isSwap(name, known);
  return isOneSlipAway(name.toUpperCase(), known);
}

const digitsOf = (name: string): string => name.replace(/\D/g, '');

const isSwap = (name: string, known: string): boolean =>
  name.length === known.length &&
  isOneSlipAway(name, known) &&
  [...name].sort().join('') === [...known].sort().join('');

/** Whether names are equal or differ by one letter or one swapped pair. */
function isOneSlipAway(one: string, other: string): boolean {
  let start = 0;
  while (start < one.length && one[start] === other[start]) start++;
  let end = 0;
  while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  const [rest, otherRest] = [one.slice(start, one.length - end), other.slice(start, other.length - end)];
  const isSwap = rest.length === 2 && rest === otherRest.slice(1) + otherRest.charAt(0);
  return isSwap || (rest.length <= 1 && otherRest.length <= 1);
}

/** Where `npm run build` puts the pages. */
const BUILT_PAGES = fileURLToPath(new URL('../console/', import.meta.url));

/** Minimum estimated bits of a secret. Random ones have far more. */
const MIN_BITS = { AUTH_JWT_SECRET: 64, METRICS_TOKEN: 32 };

const STORE_VARIABLES = [
  'NODE_ENV',
  'DATA_DIR',
  'DATABASE_URL',
  'DATABASE_DIRECT_URL',
  'DATABASE_PREPARED_STATEMENTS',
  'DATABASE_POOL_SIZE',
  'MIGRATE_ON_START',
] as const;

/**
 * Checks every variable and every rule between them.
 * In development, creates missing secrets in the data folder once there are no problems.
 * @param options with `makesMasterKey: false`, a missing master key is a problem in development, too
 * @throws ConfigurationError with all problems
 */
export function loadSettings(given: NodeJS.ProcessEnv, { makesMasterKey = true } = {}): Settings {
  const { env, masterKeys, tokenFile, problems } = examineSettings(given, makesMasterKey);
  if (problems.length > 0) throw new ConfigurationError(problems);

  return new Settings({
    ...databaseSettings(env),
    nodeEnv: env.nodeEnv,
    host: env.required('HOST'),
    port: env.required('PORT'),
    publicBaseUrl: env.required('PUBLIC_BASE_URL'),
    dataDir: env.required('DATA_DIR'),
    console: env.required('CONSOLE'),
    pagesDir: BUILT_PAGES,
    platform: { name: env.required('PLATFORM_NAME'), color: env.optional('PLATFORM_COLOR') },
    developerScope: env.optional('AUTH_DEVELOPER_SCOPE'),
    operatorScope: env.optional('AUTH_OPERATOR_SCOPE'),
    authBuiltin: env.required('AUTH_BUILTIN') && !env.isSet('AUTH_JWKS_URI'),
    authRegistration: env.required('AUTH_REGISTRATION'),
    oidc: oidcSettings(env),
    stripeApiBase: env.optional('STRIPE_API_BASE'),
    stripeAcceptRestrictedKeys: env.required('STRIPE_ACCEPT_RESTRICTED_KEYS'),
    gateway: {
      isOn: env.required('STRIPE_GATEWAY'),
      port: env.optional('STRIPE_GATEWAY_PORT'),
      timeout: env.required('STRIPE_GATEWAY_TIMEOUT'),
      requestsPerSecond: env.required('STRIPE_GATEWAY_RATE'),
      requestsAtOnce: env.required('STRIPE_GATEWAY_CONCURRENCY'),
    },
    webhookRetentionDays: env.required('WEBHOOK_RETENTION_DAYS'),
    webhookSecretOverlap: env.required('WEBHOOK_SECRET_OVERLAP'),
    rateLimitPerMinute: env.required('RATE_LIMIT_PER_MINUTE'),
    trustProxy: env.required('TRUST_PROXY'),
    corsOrigins: env.optional('CORS_ORIGINS') ?? [],
    destinationAllowNetworks: env.optional('DESTINATION_ALLOW_NETWORKS') ?? [],
    shutdownDelay: env.required('SHUTDOWN_DELAY'),
    mail: mailSettings(env),
    metricsToken: env.optional('METRICS_TOKEN'),
    logLevel: env.required('LOG_LEVEL'),
    sampleData: env.required('SAMPLE_DATA'),
    // Opened last, because both may create files.
    masterKeys: masterKeys.open(),
    accessTokens: accessTokens(env, tokenFile),
  });
}

interface Examination {
  readonly env: Environment;
  readonly masterKeys: MasterKeySources;
  readonly tokenFile: SecretFile<Secret[]> | undefined;
  readonly problems: string[];
}

/** Reads all variables and lists their problems. Creates no file. */
export function examineSettings(given: NodeJS.ProcessEnv, makesMasterKey = true): Examination {
  const env = new Environment(given);
  const masterKeys = new MasterKeySources(env);
  const tokenFile = tokenSecretFile(env);
  const problems = [
    ...env.problems(),
    ...masterKeys.problems(makesMasterKey),
    ...databaseConflicts(env),
    ...conflicts(env),
    ...(tokenFile?.problem ? [tokenFile.problem] : []),
    ...misspeltNames(given),
  ];
  return { env, masterKeys, tokenFile, problems };
}

/**
 * Loads the settings of the database and the vault only. Creates no master key.
 * @param options with `needsMasterKey: false`, missing or invalid master keys are no problem
 * @throws ConfigurationError with all problems
 */
export function loadStoreSettings(
  given: NodeJS.ProcessEnv,
  { needsMasterKey }: { needsMasterKey: boolean },
): StoreSettings {
  const env = new Environment(given);
  const masterKeys = new MasterKeySources(env);
  const problems = [
    ...env.problems(STORE_VARIABLES),
    ...databaseConflicts(env),
    ...(needsMasterKey ? [...env.problems(MASTER_KEY_VARIABLES), ...masterKeys.problems(false)] : []),
    ...misspeltNames(given),
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
  return new StoreSettings({ ...databaseSettings(env), masterKeys: masterKeys.openExisting() });
}

function databaseSettings(env: Environment): Omit<StoreSettings, 'masterKeys' | 'directDatabase'> {
  return {
    database: env.required('DATABASE_URL'),
    directDatabaseUrl: env.optional('DATABASE_DIRECT_URL'),
    databasePreparedStatements: env.required('DATABASE_PREPARED_STATEMENTS'),
    databasePoolSize: env.required('DATABASE_POOL_SIZE'),
    migrateOnStart: env.required('MIGRATE_ON_START'),
  };
}

function tokenSecretFile(env: Environment): SecretFile<Secret[]> | undefined {
  const isGiven = env.isSet('AUTH_JWT_SECRET') || env.isSet('AUTH_JWKS_URI');
  return isGiven ? undefined : developmentFile(env, 'token.secret', 'AUTH_JWT_SECRET');
}

function accessTokens(env: Environment, tokenFile: SecretFile<Secret[]> | undefined): AccessTokens {
  const uri = env.optional('AUTH_JWKS_URI');
  if (uri === undefined) {
    const secrets = tokenFile?.open() ?? env.required('AUTH_JWT_SECRET');
    return {
      kind: 'hs256',
      secrets,
      issuer: env.optional('AUTH_ISSUER'),
      audience: env.optional('AUTH_AUDIENCE'),
    };
  }
  return {
    kind: 'jwks',
    uri,
    issuer: env.required('AUTH_ISSUER'),
    audience: env.required('AUTH_AUDIENCE'),
    acceptTyp: env.required('AUTH_ACCEPT_TYP'),
  };
}

const OIDC = ['AUTH_OIDC_ISSUER', 'AUTH_OIDC_CLIENT_ID', 'AUTH_OIDC_CLIENT_SECRET'] as const;

function oidcSettings(env: Environment): Settings['oidc'] {
  return env.isSet('AUTH_OIDC_ISSUER')
    ? {
        issuer: env.required('AUTH_OIDC_ISSUER'),
        clientId: env.required('AUTH_OIDC_CLIENT_ID'),
        clientSecret: env.required('AUTH_OIDC_CLIENT_SECRET'),
      }
    : undefined;
}

function mailSettings(env: Environment): Settings['mail'] {
  const operator = env.optional('OPERATOR_MAIL');
  return env.isSet('SMTP_URL')
    ? {
        url: env.required('SMTP_URL'),
        from: env.required('MAIL_FROM'),
        ...(operator !== undefined && { operator }),
      }
    : undefined;
}

function databaseConflicts(env: Environment): string[] {
  const isFile = env.optional('DATABASE_URL')?.file !== undefined;
  return isFile && env.isSet('DATABASE_DIRECT_URL')
    ? [`${env.sourceOf('DATABASE_DIRECT_URL')} must be left out when DATABASE_URL is a SQLite file.`]
    : [];
}

/** Checks rules between variables. */
function conflicts(env: Environment): string[] {
  const [hasSecret, hasJwks] = [env.isSet('AUTH_JWT_SECRET'), env.isSet('AUTH_JWKS_URI')];
  const isDevelopment = env.nodeEnv === 'development';
  const isProduction = env.nodeEnv === 'production';
  const isWeak = (name: keyof typeof MIN_BITS) => {
    const secrets = [env.optional(name) ?? []].flat();
    return isProduction && secrets.some((secret) => isGuessable(secret, MIN_BITS[name]));
  };

  const rules: [isBroken: boolean, problem: string][] = [
    [hasSecret && hasJwks, `${env.sourceOf('AUTH_JWT_SECRET')} must be left out when AUTH_JWKS_URI is set.`],
    [
      !hasSecret && !hasJwks && !isDevelopment,
      `AUTH_JWT_SECRET must be set in ${env.nodeEnv}, or AUTH_JWKS_URI instead of it.`,
    ],
    [
      hasJwks && env.isSet('AUTH_BUILTIN') && env.optional('AUTH_BUILTIN') === true,
      'AUTH_BUILTIN must be left out or switched off when AUTH_JWKS_URI is set: developers come from one place.',
    ],
    [
      env.optional('AUTH_OPERATOR_SCOPE') !== undefined &&
        env.optional('AUTH_OPERATOR_SCOPE') === env.optional('AUTH_DEVELOPER_SCOPE'),
      'AUTH_OPERATOR_SCOPE must differ from AUTH_DEVELOPER_SCOPE: every developer would be an operator.',
    ],
    ...OIDC.map((name): [boolean, string] => {
      const others = OIDC.filter((other) => other !== name && env.isSet(other));
      return [!env.isSet(name) && others.length > 0, `${name} must be set when ${others[0]} is set.`];
    }),
    [
      env.isSet('AUTH_OIDC_ISSUER') && (hasJwks || env.optional('AUTH_BUILTIN') === false),
      'AUTH_BUILTIN must be true when AUTH_OIDC_ISSUER is set, without AUTH_JWKS_URI: who signs in gets a built-in account.',
    ],
    [hasJwks && !env.isSet('AUTH_ISSUER'), 'AUTH_ISSUER must be set when AUTH_JWKS_URI is set.'],
    [hasJwks && !env.isSet('AUTH_AUDIENCE'), 'AUTH_AUDIENCE must be set when AUTH_JWKS_URI is set.'],
    [isWeak('AUTH_JWT_SECRET'), `${env.sourceOf('AUTH_JWT_SECRET')} ${MUST_BE_RANDOM}`],
    [isWeak('METRICS_TOKEN'), `${env.sourceOf('METRICS_TOKEN')} ${MUST_BE_RANDOM}`],
    [env.isSet('SMTP_URL') && !env.isSet('MAIL_FROM'), 'MAIL_FROM must be set when SMTP_URL is set.'],
    [env.isSet('MAIL_FROM') && !env.isSet('SMTP_URL'), 'SMTP_URL must be set when MAIL_FROM is set.'],
    [
      env.isSet('STRIPE_GATEWAY_PORT') && env.optional('STRIPE_GATEWAY') !== true,
      'STRIPE_GATEWAY must be true when STRIPE_GATEWAY_PORT is set.',
    ],
    [
      env.isSet('STRIPE_GATEWAY_PORT') && env.optional('STRIPE_GATEWAY_PORT') === env.optional('PORT'),
      'STRIPE_GATEWAY_PORT must differ from PORT.',
    ],
    [isProduction && env.isSet('STRIPE_API_BASE'), 'STRIPE_API_BASE must be left out in production.'],
    [
      isProduction && env.optional('SAMPLE_DATA') === true,
      'SAMPLE_DATA must be left out or switched off in production.',
    ],
  ];
  return rules.filter(([isBroken]) => isBroken).map(([, problem]) => problem);
}
