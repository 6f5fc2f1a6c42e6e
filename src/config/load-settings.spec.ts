import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { ConfigurationError } from './environment.js';
import { loadSettings } from './load-settings.js';
import type { MasterKeySource } from './settings.js';
import { type Variable, VARIABLE_NAMES, VARIABLES } from './variables.js';

const KEY = randomBytes(32).toString('base64');
const ZERO_KEY = Buffer.alloc(32).toString('base64');
const SECRET = randomBytes(32).toString('base64');

const TEST = { NODE_ENV: 'test', MASTER_KEY: KEY, AUTH_JWT_SECRET: SECRET };
const PRODUCTION = {
  ...TEST,
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://till:hunter2@db.internal/till',
  PUBLIC_BASE_URL: 'https://pay.example.com',
};
const JWKS = {
  ...TEST,
  AUTH_JWT_SECRET: '',
  AUTH_JWKS_URI: 'https://id.example.com/keys',
  AUTH_ISSUER: 'https://id.example.com',
  AUTH_AUDIENCE: 'till',
};

function problemsOf(given: NodeJS.ProcessEnv): string[] {
  try {
    loadSettings(given);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems;
  }
}

function revealed(sources: readonly MasterKeySource[]): string[] {
  return sources.flatMap((source) =>
    source.provider === 'local' ? source.keys.map((key) => key.reveal()) : [],
  );
}

const keysOf = (given: NodeJS.ProcessEnv): string[] => revealed(loadSettings(given).masterKeys);

/** Returns the variables named in problems. */
function blamed(given: NodeJS.ProcessEnv): string[] {
  return problemsOf(given).map((problem) => problem.split(' ')[0] ?? '');
}

describe('mail', () => {
  const FROM = { MAIL_FROM: 'Tillkeeper <pay@example.com>' };
  const withUrl = (url: string) => blamed({ ...TEST, ...FROM, SMTP_URL: url });

  it('needs a server and a sender, or neither', () => {
    expect(problemsOf({ ...TEST, SMTP_URL: 'smtp://mail.example.com' })).toEqual([
      'MAIL_FROM must be set when SMTP_URL is set.',
    ]);
    expect(problemsOf({ ...TEST, ...FROM })).toEqual(['SMTP_URL must be set when MAIL_FROM is set.']);
    const { mail } = loadSettings({ ...TEST, ...FROM, SMTP_URL: 'smtps://u:p%40ss@mail.example.com' });
    expect(mail?.from).toBe(FROM.MAIL_FROM);
    expect(mail?.url.reveal()).toBe('smtps://u:p%40ss@mail.example.com');
    expect(inspect(mail)).not.toContain('p%40ss');
  });

  it.each([
    'mail.example.com',
    'https://mail.example.com',
    'smtp://',
    'smtp://user@mail.example.com',
    'smtp://user:100%@mail.example.com',
    'smtp://mail.example.com/path',
    'smtp://mail.example.com?tls=no',
    'smtp://mail.example.com:99999',
  ])('refuses %s', (url) => {
    expect(withUrl(url)).toEqual(['SMTP_URL']);
  });

  it.each(['pay', 'Tillkeeper', 'a@example.com, b@example.com', 'A\nB <a@example.com>'])(
    'refuses to send as %j',
    (from) => {
      expect(blamed({ ...TEST, SMTP_URL: 'smtp://mail.example.com', MAIL_FROM: from })).toEqual([
        'MAIL_FROM',
      ]);
    },
  );
});

describe('defaults', () => {
  it('are those of the table in NODE_ENV=test', () => {
    const { masterKeys, accessTokens, ...rest } = loadSettings(TEST);
    expect(revealed(masterKeys)).toEqual([KEY]);
    expect(accessTokens.kind === 'hs256' && accessTokens.secrets.map((secret) => secret.reveal())).toEqual([
      SECRET,
    ]);
    expect(rest).toEqual({
      nodeEnv: 'test',
      host: '127.0.0.1',
      port: 3000,
      publicBaseUrl: 'http://127.0.0.1:3000',
      dataDir: resolve('data'),
      database: { file: resolve('data/tillkeeper.db') },
      directDatabaseUrl: undefined,
      databasePreparedStatements: true,
      databasePoolSize: 10,
      migrateOnStart: true,
      developerScope: undefined,
      operatorScope: undefined,
      console: false,
      pagesDir: resolve('src/console') + '/',
      platform: { name: 'Tillkeeper', color: undefined },
      authBuiltin: true,
      authRegistration: 'open',
      oidc: undefined,
      stripeApiBase: undefined,
      stripeAcceptRestrictedKeys: false,
      gateway: {
        isOn: false,
        port: undefined,
        timeout: 60,
        requestsPerSecond: 200,
        requestsAtOnce: 200,
      },
      webhookRetentionDays: 30,
      webhookSecretOverlap: 86_400,
      mail: undefined,
      rateLimitPerMinute: 600,
      trustProxy: false,
      corsOrigins: [],
      destinationAllowNetworks: [],
      shutdownDelay: 0,
      logLevel: 'info',
      sampleData: false,
    });
  });

  it('follow the variables that they refer to', () => {
    const settings = loadSettings({ ...TEST, HOST: '::1', PORT: '81', DATA_DIR: '/srv/till/' });
    expect(settings.publicBaseUrl).toBe('http://[::1]:81');
    expect(settings.database).toEqual({ file: '/srv/till/tillkeeper.db' });
  });

  it('open the server to the network in production, and leave sample data out', () => {
    expect(loadSettings(PRODUCTION)).toMatchObject({
      nodeEnv: 'production',
      host: '0.0.0.0',
      sampleData: false,
      shutdownDelay: 5,
    });
  });

  it('apply to empty variables', () => {
    const empty = Object.fromEntries(VARIABLE_NAMES.map((name) => [name, '']));
    expect(loadSettings({ ...empty, ...TEST })).toEqual(loadSettings(TEST));
  });
});

describe.each<[variable: string, field: string, accepted: Record<string, unknown>, refused: string[]]>([
  [
    'HOST',
    'host',
    { '0.0.0.0': '0.0.0.0', '::': '::', 'a-b.example': 'a-b.example' },
    ['[::1]', '127.1', '1.2.3.256', 'a:80', 'a b', 'fe80::1%lo'],
  ],
  ['PORT', 'port', { 0: 0, 65535: 65535 }, ['65536', '-1', '080', '1.5', '1e3', '0x50', ' 80', 'http']],
  [
    'PUBLIC_BASE_URL',
    'publicBaseUrl',
    { 'https://a.example/': 'https://a.example', 'HTTP://A.example:80/x//': 'http://a.example/x' },
    [
      'a.example',
      '/x',
      'ftp://a.example',
      'http:a.example',
      'https:///a',
      'https://u@a.example',
      'https://a/?',
      'https://a/#',
      'https://a /',
      'https:\\\\a',
    ],
  ],
  [
    'DATABASE_URL',
    'database',
    {
      'sqlite:x/y.db': { file: resolve('x/y.db') },
      'sqlite:/x/y.db': { file: '/x/y.db' },
      'sqlite:///x/y.db': { file: '/x/y.db' },
    },
    [
      'sqlite:',
      'sqlite::memory:',
      'sqlite://x/y.db',
      'x/y.db',
      'mysql://h/x',
      'postgres://',
      'postgres://u:a#b@h/x',
      'postgres://u:a%b@h/x',
    ],
  ],
  ['DATABASE_POOL_SIZE', 'databasePoolSize', { 1: 1, 1000: 1000 }, ['0', '1001', 'many']],
  ['MIGRATE_ON_START', 'migrateOnStart', { true: true, false: false }, ['TRUE', '1', 'yes', 'constructor']],
  ['AUTH_OPERATOR_SCOPE', 'operatorScope', { 'till:operate': 'till:operate' }, ['a b', 'a"', 'a\\']],
  ['AUTH_DEVELOPER_SCOPE', 'developerScope', { 'till:write': 'till:write' }, ['a b', 'a"', 'a\\']],
  [
    'STRIPE_API_BASE',
    'stripeApiBase',
    {
      'http://127.0.0.1:12111': 'http://127.0.0.1:12111',
      'https://stripe.example/': 'https://stripe.example',
    },
    ['https://stripe.example/v1', 'https://stripe.example/?', 'https://u:p@stripe.example', 'stripe.example'],
  ],
  ['STRIPE_ACCEPT_RESTRICTED_KEYS', 'stripeAcceptRestrictedKeys', { true: true, false: false }, ['on']],
  ['WEBHOOK_RETENTION_DAYS', 'webhookRetentionDays', { 0: 0, 365: 365 }, ['-1', '366', 'ever']],
  [
    'WEBHOOK_SECRET_OVERLAP',
    'webhookSecretOverlap',
    { 0: 0, 90: 90, '90s': 90, '15m': 900, '24h': 86_400, '7d': 604_800, 604800: 604_800 },
    ['604801', '8d', '169h', '-1', '1.5h', 'h', '24H', '24 h', '1w', '1h30m'],
  ],
  [
    'SHUTDOWN_DELAY',
    'shutdownDelay',
    { 0: 0, 30: 30, '5s': 5, '5m': 300 },
    ['301', '6m', '1h', '-1', '0.5s'],
  ],
  ['RATE_LIMIT_PER_MINUTE', 'rateLimitPerMinute', { 0: 0, 1000000: 1000000 }, ['-1', '1000001', 'off']],
  [
    'TRUST_PROXY',
    'trustProxy',
    { 0: false, 2: 2, '10.0.0.0/8, ::1': ['10.0.0.0/8', '::1'], 'fd00::/8': ['fd00::/8'] },
    [
      'true',
      'false',
      '-1',
      '101',
      '0.0.0.0/0',
      '::/0',
      '10.0.0.0/33',
      '::1/129',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '10.0.0',
      'loopback',
      '::1,',
      '::1%lo',
    ],
  ],
  [
    'CORS_ORIGINS',
    'corsOrigins',
    { 'https://a.example,http://localhost:5173': ['https://a.example', 'http://localhost:5173'] },
    ['*', 'https://*.example', 'https://a.example/x', 'null', 'https://a.example,', 'a.example'],
  ],
  ['LOG_LEVEL', 'logLevel', { silent: 'silent', trace: 'trace' }, ['verbose', 'INFO']],
  ['SAMPLE_DATA', 'sampleData', { true: true, false: false }, ['maybe']],
])('%s', (variable, field, accepted, refused) => {
  it.each(Object.entries(accepted))('reads %s', (text, value) => {
    expect(loadSettings({ ...TEST, [variable]: text })).toHaveProperty(field, value);
  });

  it.each(refused)('refuses %j', (text) => {
    expect(blamed({ ...TEST, [variable]: text })).toEqual([variable]);
  });
});

describe('DATABASE_DIRECT_URL', () => {
  const url = 'postgres://till:hunter2@primary.internal/till';
  const revealedUrl = (given: NodeJS.ProcessEnv) => loadSettings(given).directDatabase.url?.reveal();

  it('is DATABASE_URL unless set', () => {
    expect(revealedUrl(PRODUCTION)).toBe(PRODUCTION.DATABASE_URL);
    expect(revealedUrl({ ...PRODUCTION, DATABASE_DIRECT_URL: url })).toBe(url);
  });

  it('is allowed for PostgreSQL only', () => {
    expect(blamed({ ...PRODUCTION, DATABASE_DIRECT_URL: 'sqlite:/srv/till.db' })).toEqual([
      'DATABASE_DIRECT_URL',
    ]);
    expect(blamed({ ...TEST, DATABASE_DIRECT_URL: url })).toEqual(['DATABASE_DIRECT_URL']);
  });
});

describe('DATABASE_URL of PostgreSQL', () => {
  it.each(['postgres://u:p%40ss@h:5432/x', 'postgresql://h/x', 'postgres:///x?host=/run/postgresql'])(
    'keeps %s as a secret',
    (url) => {
      const { database } = loadSettings({ ...TEST, DATABASE_URL: url });
      expect(database.url?.reveal()).toBe(url);
      expect(inspect(database)).not.toContain(url);
    },
  );
});

describe('NODE_ENV', () => {
  it('refuses other names, without further problems', () => {
    expect(blamed({ NODE_ENV: 'prod' })).toEqual(['NODE_ENV']);
  });

  it('requires a master key and token verification in test', () => {
    expect(blamed({ NODE_ENV: 'test' })).toEqual(['MASTER_KEY', 'AUTH_JWT_SECRET']);
  });
});

describe('production', () => {
  it('reports all missing settings at once', () => {
    expect(blamed({ NODE_ENV: 'production' })).toEqual([
      'PUBLIC_BASE_URL',
      'DATABASE_URL',
      'MASTER_KEY',
      'AUTH_JWT_SECRET',
    ]);
  });

  it('refuses settings for tests, and reports malformed settings too', () => {
    const given = { ...PRODUCTION, PORT: 'x', STRIPE_API_BASE: 'http://127.0.0.1:1', SAMPLE_DATA: 'true' };
    expect(blamed(given)).toEqual(['PORT', 'STRIPE_API_BASE', 'SAMPLE_DATA']);
  });

  it('has a gateway with settings of its own, or none', () => {
    const given = { STRIPE_GATEWAY: 'true', STRIPE_GATEWAY_PORT: '3001', STRIPE_GATEWAY_TIMEOUT: '2m' };
    expect(loadSettings({ ...TEST, ...given }).gateway).toMatchObject({
      isOn: true,
      port: 3001,
      timeout: 120,
    });
    expect(blamed({ ...TEST, STRIPE_GATEWAY_PORT: '3001' })).toEqual(['STRIPE_GATEWAY']);
    expect(blamed({ ...TEST, ...given, PORT: '3001' })).toEqual(['STRIPE_GATEWAY_PORT']);
    for (const [name, texts] of Object.entries({
      STRIPE_GATEWAY: ['on', 'TRUE'],
      STRIPE_GATEWAY_PORT: ['0', '65536', 'x'],
      STRIPE_GATEWAY_TIMEOUT: ['0', '0s', '11m', '-1'],
      STRIPE_GATEWAY_RATE: ['-1', '1000001'],
      STRIPE_GATEWAY_CONCURRENCY: ['-1', '100001'],
    }))
      for (const text of texts)
        expect([text, blamed({ ...TEST, STRIPE_GATEWAY: 'true', [name]: text })]).toEqual([text, [name]]);
  });

  it('accepts a configured SQLite database', () => {
    expect(loadSettings({ ...PRODUCTION, DATABASE_URL: 'sqlite:/srv/till.db' }).database.file).toBe(
      '/srv/till.db',
    );
  });
});

describe('the master key', () => {
  const key = Buffer.from(Array.from({ length: 32 }, (_, i) => 255 - i));
  const text = key.toString('base64');
  let folder: string;
  let file: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'settings-'));
    file = join(folder, 'key');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([text, text.replace('=', '')])('may be padded or not: %s', (given) => {
    expect(keysOf({ ...TEST, MASTER_KEY: given })).toEqual([given]);
  });

  it.each([
    ['one byte less', key.subarray(1).toString('base64')],
    ['one byte more', Buffer.concat([key, key.subarray(31)]).toString('base64')],
    ['base64url', key.toString('base64url')],
    ['hex', key.toString('hex')],
    ['stray bits after the last byte', text.replace(/.=$/, (end) => (end === 'A=' ? 'B=' : 'h='))],
    ['a blank at the end', `${text} `],
    ['too much padding', `${text}=`],
  ])('refuses %s', (_, given) => {
    expect(blamed({ ...TEST, MASTER_KEY: given })).toEqual(['MASTER_KEY']);
  });

  it('may be in a file that ends with a line break', () => {
    writeFileSync(file, `${text}\n`);
    expect(keysOf({ ...TEST, MASTER_KEY: '', MASTER_KEY_FILE: file })).toEqual([text]);
  });

  it('may be several, in the given order', () => {
    expect(keysOf({ ...TEST, MASTER_KEY: `${text},${KEY}` })).toEqual([text, KEY]);
    expect(keysOf({ ...TEST, MASTER_KEY: `${text}, ${KEY}` })).toEqual([text, KEY]);
    writeFileSync(file, `${text}\r\n${KEY}\n`);
    expect(keysOf({ ...TEST, MASTER_KEY: '', MASTER_KEY_FILE: file })).toEqual([text, KEY]);
    for (const given of [`${text},`, `,${text}`, `${text},,${KEY}`, `${text} ${KEY}`, `${text},short`]) {
      expect(blamed({ ...TEST, MASTER_KEY: given })).toEqual(['MASTER_KEY']);
    }
  });

  it('refuses a file that is missing, a folder, or not a key', () => {
    writeFileSync(file, `${text}${text}`);
    for (const path of [join(folder, 'absent'), folder, file]) {
      expect(blamed({ ...TEST, MASTER_KEY: '', MASTER_KEY_FILE: path })).toEqual(['MASTER_KEY_FILE']);
    }
  });

  it('refuses MASTER_KEY together with MASTER_KEY_FILE', () => {
    writeFileSync(file, text);
    expect(blamed({ ...TEST, MASTER_KEY_FILE: file })).toEqual(['MASTER_KEY']);
  });

  it.each([
    ['AUTH_JWT_SECRET', 'a'.repeat(32)],
    ['AUTH_JWT_SECRET', 'changeme'.repeat(5)],
    ['METRICS_TOKEN', 'abcabcabcabcabcabc'],
    ['METRICS_TOKEN', 'metrics-token-123456'],
    ['MASTER_KEY', Buffer.alloc(32, 'a').toString('base64')],
    ['MASTER_KEY', `${KEY},${Buffer.alloc(32, 1).toString('base64')}`],
  ])('and every other secret must be random in production: %s', (name, value) => {
    expect(blamed({ ...PRODUCTION, [name]: value })).toEqual([name]);
    expect(problemsOf({ ...TEST, [name]: value })).toEqual([]);
    expect(problemsOf({ ...PRODUCTION, [name]: value }).join()).not.toContain(value);
  });

  it('must not be all zeros in production, wherever it comes from', () => {
    expect(problemsOf({ ...TEST, MASTER_KEY: ZERO_KEY })).toEqual([]);
    expect(blamed({ ...PRODUCTION, MASTER_KEY: ZERO_KEY })).toEqual(['MASTER_KEY']);
    expect(blamed({ ...PRODUCTION, MASTER_KEY: ZERO_KEY.replace('=', '') })).toEqual(['MASTER_KEY']);
    writeFileSync(file, ZERO_KEY);
    expect(blamed({ ...PRODUCTION, MASTER_KEY: '', MASTER_KEY_FILE: file })).toEqual(['MASTER_KEY_FILE']);
  });
});

describe('access tokens', () => {
  it('are verified with a secret whose length is counted in bytes', () => {
    expect(blamed({ ...TEST, AUTH_JWT_SECRET: 's'.repeat(31) })).toEqual(['AUTH_JWT_SECRET']);
    const { accessTokens } = loadSettings({
      ...TEST,
      AUTH_JWT_SECRET: 'é'.repeat(16),
      AUTH_ISSUER: 'i',
      AUTH_AUDIENCE: 'a',
    });
    expect(accessTokens).toMatchObject({ kind: 'hs256', issuer: 'i', audience: 'a' });
    expect(accessTokens.kind === 'hs256' && accessTokens.secrets.map((secret) => secret.reveal())).toEqual([
      'é'.repeat(16),
    ]);
  });

  it.each([
    ['a b', ['a', 'b']],
    ['a \n\t b\n', ['a', 'b']],
    ['  a', ['a']],
    ['a b c', ['a', 'b', 'c']],
  ])('may be verified with several secrets: %j', (form, letters) => {
    const text = form.replace(/[abc]/g, (letter) => letter.repeat(32));
    const { accessTokens } = loadSettings({ ...TEST, AUTH_JWT_SECRET: text });
    const secrets =
      accessTokens.kind === 'hs256' ? accessTokens.secrets.map((secret) => secret.reveal()) : [];
    expect(secrets).toEqual(letters.map((letter) => letter.repeat(32)));
  });

  it('treat a passphrase as one secret, and refuse a short one of several', () => {
    const passphrase = 'correct horse battery staple and so on';
    const { accessTokens } = loadSettings({ ...TEST, AUTH_JWT_SECRET: passphrase });
    expect(accessTokens.kind === 'hs256' && accessTokens.secrets.map((secret) => secret.reveal())).toEqual([
      passphrase,
    ]);
    expect(blamed({ ...TEST, AUTH_JWT_SECRET: `${SECRET} short` })).toEqual(['AUTH_JWT_SECRET']);
    expect(blamed({ ...PRODUCTION, AUTH_JWT_SECRET: `${SECRET} ${'a'.repeat(32)}` })).toEqual([
      'AUTH_JWT_SECRET',
    ]);
  });

  it('are verified with published keys', () => {
    expect(loadSettings({ ...JWKS, AUTH_ACCEPT_TYP: 'at+jwt, application/at+jwt' }).accessTokens).toEqual({
      kind: 'jwks',
      uri: JWKS.AUTH_JWKS_URI,
      issuer: JWKS.AUTH_ISSUER,
      audience: JWKS.AUTH_AUDIENCE,
      acceptTyp: ['at+jwt', 'application/at+jwt'],
    });
    expect(loadSettings(JWKS).accessTokens).toMatchObject({ acceptTyp: ['at+jwt'] });
  });

  it('refuse token types that are not a list', () => {
    expect(blamed({ ...JWKS, AUTH_ACCEPT_TYP: 'at+jwt,,jwt' })).toEqual(['AUTH_ACCEPT_TYP']);
  });

  it('need an issuer and an audience with published keys', () => {
    expect(blamed({ ...JWKS, AUTH_ISSUER: '', AUTH_AUDIENCE: '' })).toEqual(['AUTH_ISSUER', 'AUTH_AUDIENCE']);
  });

  it('refuse a secret together with published keys', () => {
    expect(blamed({ ...JWKS, AUTH_JWT_SECRET: SECRET })).toEqual(['AUTH_JWT_SECRET']);
  });

  it.each(['http://localhost:9/k', 'http://127.8.8.8/k', 'http://[::1]:9/k', 'https://id.example.com/k?p=1'])(
    'may fetch keys from %s',
    (uri) => {
      expect(loadSettings({ ...JWKS, AUTH_JWKS_URI: uri }).accessTokens).toMatchObject({ uri });
    },
  );

  it.each([
    'http://id.example.com/k',
    'http://localhost.example.com/k',
    'http://0.0.0.0/k',
    'https://u:p@id.example.com/k',
    'https://id/#k',
    'file:///k',
  ])('may not fetch keys from %s', (uri) => {
    expect(blamed({ ...JWKS, AUTH_JWKS_URI: uri })).toEqual(['AUTH_JWKS_URI']);
  });
});

describe('built-in accounts', () => {
  it('are on by default, except in production and with published keys', () => {
    expect(loadSettings({ ...TEST, NODE_ENV: 'test' })).toMatchObject({
      authBuiltin: true,
      authRegistration: 'open',
    });
    expect(loadSettings(PRODUCTION)).toMatchObject({ authBuiltin: false, authRegistration: 'closed' });
    expect(loadSettings(JWKS)).toMatchObject({ authBuiltin: false });
  });

  it('can be switched on in production, and off in a test', () => {
    expect(loadSettings({ ...PRODUCTION, AUTH_BUILTIN: 'true' })).toMatchObject({
      authBuiltin: true,
      authRegistration: 'closed',
    });
    expect(loadSettings({ ...PRODUCTION, AUTH_BUILTIN: 'true', AUTH_REGISTRATION: 'open' })).toMatchObject({
      authRegistration: 'open',
    });
    expect(loadSettings({ ...TEST, AUTH_BUILTIN: 'false' })).toMatchObject({ authBuiltin: false });
    expect(blamed({ ...TEST, AUTH_BUILTIN: 'yes', AUTH_REGISTRATION: 'true' })).toEqual([
      'AUTH_BUILTIN',
      'AUTH_REGISTRATION',
    ]);
  });

  it('are refused together with published keys', () => {
    expect(blamed({ ...JWKS, AUTH_BUILTIN: 'true' })).toEqual(['AUTH_BUILTIN']);
    expect(loadSettings({ ...JWKS, AUTH_BUILTIN: 'false' })).toMatchObject({ authBuiltin: false });
  });
});

describe('the providers of master keys', () => {
  const VAULT = {
    ...TEST,
    MASTER_KEY: '',
    MASTER_KEY_PROVIDER: 'vault',
    VAULT_ADDR: 'https://vault.internal:8200/',
    VAULT_TOKEN: 'hvs.a',
  };
  const KMS = { ...TEST, MASTER_KEY: '', MASTER_KEY_PROVIDER: 'aws-kms', AWS_KMS_KEY_ID: 'alias/till' };

  it('are read with their settings', () => {
    expect(loadSettings(VAULT).masterKeys).toMatchObject([
      {
        provider: 'vault',
        address: 'https://vault.internal:8200',
        mount: 'transit',
        keys: ['tillkeeper'],
        namespace: undefined,
      },
    ]);
    expect(
      loadSettings({ ...VAULT, VAULT_TOKEN: '', VAULT_TOKEN_FILE: '/run/token' }).masterKeys,
    ).toMatchObject([{ token: '/run/token' }]);
    expect(loadSettings(KMS).masterKeys).toEqual([{ provider: 'aws-kms', keys: ['alias/till'] }]);
    expect(inspect(loadSettings(VAULT), { depth: null })).not.toContain('hvs.a');
  });

  it('may be several, in the given order', () => {
    const moving = { ...VAULT, ...KMS, MASTER_KEY: KEY, MASTER_KEY_PROVIDER: 'aws-kms,vault, local' };
    expect(loadSettings(moving).masterKeys.map(({ provider }) => provider)).toEqual([
      'aws-kms',
      'vault',
      'local',
    ]);
  });

  it('report missing settings, in development too', () => {
    expect(blamed({ MASTER_KEY_PROVIDER: 'vault' })).toEqual(['VAULT_ADDR', 'VAULT_TOKEN']);
    expect(blamed({ ...KMS, AWS_KMS_KEY_ID: '' })).toEqual(['AWS_KMS_KEY_ID']);
    expect(blamed({ ...VAULT, VAULT_ADDR: 'http://vault.internal:8200' })).toEqual(['VAULT_ADDR']);
    expect(problemsOf({ ...VAULT, VAULT_ADDR: 'http://127.0.0.1:8200' })).toEqual([]);
    expect(blamed({ ...VAULT, VAULT_TOKEN_FILE: '/run/token' })).toEqual(['VAULT_TOKEN_FILE']);
  });

  it('refuse an unused key, and unknown or repeated providers', () => {
    expect(blamed({ ...VAULT, MASTER_KEY: KEY })).toEqual(['MASTER_KEY']);
    for (const given of ['gcp', 'vault,vault', 'vault,'])
      expect(blamed({ ...VAULT, MASTER_KEY: KEY, MASTER_KEY_PROVIDER: given })).toEqual([
        'MASTER_KEY_PROVIDER',
      ]);
  });

  it.each([
    '11111111-2222-4333-8444-555555555555',
    'mrk-0123',
    'alias/till',
    'arn:aws:kms:eu-central-1:1:key/1',
    'arn:aws-cn:kms:cn-north-1:1:alias/a/b',
  ])('accept the KMS key %s', (key) =>
    expect(loadSettings({ ...KMS, AWS_KMS_KEY_ID: key }).masterKeys).toEqual([
      { provider: 'aws-kms', keys: [key] },
    ]),
  );

  it.each(['alias/', 'key/1', 'arn:aws:s3:::bucket', 'a'.repeat(45), 'alias/till,alias/till'])(
    'refuse the KMS key %s',
    (key) => {
      expect(blamed({ ...KMS, AWS_KMS_KEY_ID: key })).toEqual(['AWS_KMS_KEY_ID']);
    },
  );
});

describe('isLoopbackHost', () => {
  it.each(['127.0.0.1', '127.255.0.9', '::1', '0:0:0:0:0:0:0:1', 'localhost', 'LocalHost'])(
    'is true for %s',
    (host) => {
      expect(loadSettings({ ...TEST, HOST: host }).isLoopbackHost).toBe(true);
    },
  );

  it.each(['0.0.0.0', '::', '128.0.0.1', '10.0.0.1', 'localhost.example.com', 'fe80::1'])(
    'is false for %s',
    (host) => {
      expect(loadSettings({ ...TEST, HOST: host }).isLoopbackHost).toBe(false);
    },
  );
});

describe('secrets in files', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'tillkeeper-secrets-'))));
  afterAll(() => rmSync(folder, { recursive: true }));
  const fileWith = (text: string) => {
    const path = join(folder, randomBytes(4).toString('hex'));
    writeFileSync(path, text);
    return path;
  };

  it('exist for every secret', () => {
    const secrets = VARIABLE_NAMES.filter((name) => (VARIABLES[name] as Variable<unknown>).isSecret);
    expect(secrets.length).toBeGreaterThan(5);
    expect(VARIABLE_NAMES).toEqual(expect.arrayContaining(secrets.map((name) => `${name}_FILE`)));
  });

  it('are read like the variables', () => {
    const settings = loadSettings({
      ...PRODUCTION,
      DATABASE_URL: '',
      DATABASE_URL_FILE: fileWith(`${PRODUCTION.DATABASE_URL}\n`),
      DATABASE_DIRECT_URL_FILE: fileWith('postgres://till:hunter2@direct/till'),
      AUTH_JWT_SECRET: '',
      AUTH_JWT_SECRET_FILE: fileWith(`${SECRET}\n${KEY}\n`),
      METRICS_TOKEN_FILE: fileWith(`${SECRET}\r\n`),
    });
    const { database, directDatabaseUrl, accessTokens, metricsToken } = settings;
    expect(database.url?.reveal()).toBe(PRODUCTION.DATABASE_URL);
    expect(directDatabaseUrl?.reveal()).toBe('postgres://till:hunter2@direct/till');
    expect(accessTokens.kind === 'hs256' && accessTokens.secrets.map((secret) => secret.reveal())).toEqual([
      SECRET,
      KEY,
    ]);
    expect(metricsToken?.reveal()).toBe(SECRET);
    for (const secret of ['hunter2', SECRET, KEY])
      expect(inspect(settings, { depth: null, showHidden: true })).not.toContain(secret);
  });

  it.each(['DATABASE_URL', 'DATABASE_DIRECT_URL', 'AUTH_JWT_SECRET', 'METRICS_TOKEN'] as const)(
    'are reported under the name of the file’s variable: %s_FILE',
    (name) => {
      const file = `${name}_FILE`;
      const given = { ...PRODUCTION, [name]: '' };
      expect(blamed({ ...given, [file]: join(folder, 'missing') })).toEqual([file]);
      expect(blamed({ ...given, [file]: folder })).toEqual([file]);
      expect(blamed({ ...given, [file]: fileWith('') })).toEqual([file]);
      const [problem] = problemsOf({ ...given, [file]: fileWith('sentinel') });
      expect(problem).toMatch(
        new RegExp(`^${file} must name a readable file, and the text in it must .+\\.$`),
      );
      expect(problem).not.toContain('sentinel');
    },
  );

  it('replace the variable, and follow its rules', () => {
    expect(blamed({ ...TEST, AUTH_JWT_SECRET_FILE: fileWith(SECRET) })).toEqual(['AUTH_JWT_SECRET']);
    expect(blamed({ ...JWKS, AUTH_JWT_SECRET_FILE: fileWith(SECRET) })).toEqual(['AUTH_JWT_SECRET_FILE']);
    expect(blamed({ ...PRODUCTION, METRICS_TOKEN_FILE: fileWith('a'.repeat(32)) })).toEqual([
      'METRICS_TOKEN_FILE',
    ]);
    expect(blamed({ ...TEST, DATABASE_DIRECT_URL_FILE: fileWith('postgres://h/n') })).toEqual([
      'DATABASE_DIRECT_URL_FILE',
    ]);
    expect(problemsOf({ ...TEST, AUTH_JWT_SECRET: '', AUTH_JWT_SECRET_FILE: fileWith(SECRET) })).toEqual([]);
  });
});

describe('misspelt names', () => {
  it.each([
    ['AUTH_JWKS_URL', 'AUTH_JWKS_URI'],
    ['STRIPE_API_BAES', 'STRIPE_API_BASE'],
    ['DATABASE_POOLSIZE', 'DATABASE_POOL_SIZE'],
    ['MASTER_KEYS', 'MASTER_KEY'],
    ['STIRPE_API_BASE', 'STRIPE_API_BASE'],
    ['METRIC_TOKEN', 'METRICS_TOKEN'],
    ['METRICS_TOKEN_FIEL', 'METRICS_TOKEN_FILE'],
    ['WEBHOOK_RETENTION_DAY', 'WEBHOOK_RETENTION_DAYS'],
    ['RATE_LIMIT_PER_MINTUE', 'RATE_LIMIT_PER_MINUTE'],
    ['TRUST_PROXYS', 'TRUST_PROXY'],
    ['CORS_ORIGIN', 'CORS_ORIGINS'],
    ['SHUTDOWN_DELY', 'SHUTDOWN_DELAY'],
    ['LOG_LEVL', 'LOG_LEVEL'],
    ['Log_Level', 'LOG_LEVEL'],
    ['SAMPLE_DATE', 'SAMPLE_DATA'],
    ['MIGRATE_ONSTART', 'MIGRATE_ON_START'],
    ['PUBLIC_BASE_ULR', 'PUBLIC_BASE_URL'],
    ['DATA_DRI', 'DATA_DIR'],
    ['AWS_KMS_KEYID', 'AWS_KMS_KEY_ID'],
    ['PROT', 'PORT'],
  ])('%s is refused with the hint %s', (name, meant) => {
    expect(problemsOf({ ...TEST, [name]: 'x' })).toEqual([
      `${name} is not a variable of this program: write ${meant}.`,
    ]);
  });

  it.each([
    'STRIPE_API_KEY',
    'DATABASE_PORT',
    'AUTH_PORT',
    'AUTH0_AUDIENCE',
    'AUTH0_ISSUER',
    'XPORT',
    'HOSTS',
    'HOME',
    'port',
    'VAULT_CACERT',
    'AWS_REGION',
  ])('do not include %s', (name) => {
    expect(problemsOf({ ...TEST, [name]: 'x' })).toEqual([]);
  });

  it('are ignored while they are empty', () => {
    expect(problemsOf({ ...TEST, AUTH_JWKS_URL: '' })).toEqual([]);
  });
});

describe('messages', () => {
  const marker = fc.stringMatching(/^[a-z0-9]{16}$/);
  const shapes = [
    '',
    ' ',
    '\n',
    'https://',
    'https://u:',
    'postgres://u:',
    'postgres://h:',
    'sqlite:',
    'sqlite://',
    'true,',
    '10.0.0.0/',
    '/',
    '%',
  ];
  const around = fc.oneof(fc.constantFrom(...shapes), fc.string({ unit: 'binary', maxLength: 8 }));

  it('never show a value, whichever variables are wrong', () => {
    const environment = fc.oneof(fc.constantFrom('development', 'test', 'production'), marker);
    const others = fc.subarray([...VARIABLE_NAMES], { minLength: 1 });
    fc.assert(
      fc.property(marker, around, around, environment, others, (value, before, after, nodeEnv, names) => {
        const hostile = Object.fromEntries(names.map((name) => [name, `${before}${value}${after}`]));
        // Adds a wrong port, so that no case is valid and creates files in development.
        const given = { ...hostile, NODE_ENV: nodeEnv, PORT: value };
        const error = caught(given);
        expect(error.problems.length).toBeGreaterThan(0);
        expect(
          `${inspect(error, { depth: null, showHidden: true })}${JSON.stringify(error)}`.toLowerCase(),
        ).not.toContain(value);
      }),
      { numRuns: 500 },
    );
  });

  it('are sentences that start with the name of the variable', () => {
    const names = VARIABLE_NAMES.filter(
      (name) => !['AUTH_ISSUER', 'AUTH_AUDIENCE', 'DATA_DIR', 'PLATFORM_NAME'].includes(name),
    );
    const wrong = Object.fromEntries(names.map((name) => [name, '\\ ,']));
    const problems = problemsOf(wrong);
    for (const name of names)
      expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${name} must .+\\.$`)));
    expect(caught(wrong).message.split('\n')).toHaveLength(problems.length + 1);
  });

  it('and settings never show a secret', () => {
    const settings = loadSettings({
      ...TEST,
      DATABASE_URL: PRODUCTION.DATABASE_URL,
      DATABASE_DIRECT_URL: PRODUCTION.DATABASE_URL,
    });
    const shown = `${inspect(settings, { depth: null, showHidden: true })}${JSON.stringify(settings)}`;
    for (const secret of [KEY, SECRET, PRODUCTION.DATABASE_URL]) expect(shown).not.toContain(secret);
  });

  function caught(given: NodeJS.ProcessEnv): ConfigurationError {
    try {
      loadSettings(given);
    } catch (error) {
      if (error instanceof ConfigurationError) return error;
      throw error;
    }
    throw new Error('The configuration should have been refused.');
  }
});
