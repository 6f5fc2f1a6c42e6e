import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import js from '@eslint/js';
import { defineConfig, includeIgnoreFile } from 'eslint/config';
import reactHooks from 'eslint-plugin-react-hooks';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

/**
 * The modules of `src/` with their direct dependencies. A module may import these and their dependencies:
 * imports go down only.
 */
const DEPENDS_ON = {
  common: [],
  config: ['common'],
  http: ['config'],
  database: ['config'],
  vault: ['database'],
  mail: ['database'],
  history: ['vault', 'http'],
  auth: ['vault', 'http'],
  accounts: ['projects'],
  projects: ['auth', 'history', 'mail'],
  'payments/idempotency': ['projects'],
  'payments/stripe': ['config', 'http'],
  'payments/events': ['payments/stripe', 'payments/idempotency'],
  'payments/stripe-config': ['payments/events'],
  'payments/ledger': ['payments/stripe-config'],
  'payments/gateway': ['payments/stripe-config'],
  'payments/billing': ['payments/ledger'],
  'payments/webhooks': ['payments/ledger'],
  'payments/connect': ['payments/webhooks', 'payments/billing'],
  'payments/alerts': ['payments/events'],
  payments: ['payments/connect', 'payments/gateway', 'payments/alerts'],
  monitoring: ['payments', 'accounts'],
};
const MODULES = Object.keys(DEPENDS_ON);

const dependenciesOf = (module) => [
  ...new Set(DEPENDS_ON[module].flatMap((below) => [...dependenciesOf(below), below])),
];

/**
 * Imports of `module` as they are written in `from`: `../../vault/`, or `../ledger/` between neighbours in
 * payments.
 */
const importsOf = (module, from) =>
  `^(?:\\.\\./)+${from.startsWith('payments/') ? module.replace('payments/', '(?:payments/)?') : module}/`;

/** The files and folders above all modules, and the module that puts payments together. */
const ABOVE = [
  ...readdirSync(join(import.meta.dirname, 'src')).filter((name) => name.endsWith('.ts')),
  'payments.module.ts',
];
const TOP = `^(?:\\.\\./)+(?:${ABOVE.map((name) => name.slice(0, -'.ts'.length).replaceAll('.', '\\.')).join('|')})\\.js$|^(?:\\.\\./)+(?:bootstrap|cli)/`;

const directionOf = (module) => {
  const visible = [module, ...dependenciesOf(module)];
  const isAbove = (other) => !visible.some((seen) => seen === other || seen.startsWith(`${other}/`));
  return {
    name: `tillkeeper/module/${module}`,
    files: [`src/${module}/**`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: '@nestjs/common',
              importNames: ['forwardRef'],
              message: 'A circle: move what both need into a module below.',
            },
          ],
          patterns: [
            {
              regex: [TOP, ...MODULES.filter(isAbove).map((other) => importsOf(other, module))].join('|'),
              message: `Imports go down only: ${module} may import from ${dependenciesOf(module).join(', ') || 'no other module'}.`,
            },
          ],
        },
      ],
    },
  };
};

const noTransactionOfTheDriver = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      forbidden:
        '`{{name}}` of {{library}} opens a transaction that waits. SQLite has one connection: other requests slip into it, and a rollback takes their acknowledged writes with it. Use the transactions of src/database.',
    },
  },
  create: ({ report, sourceCode: { parserServices } }) => ({
    'MemberExpression[property.name=/^(save|remove|softRemove|recover|transaction|createQueryRunner)$/]'({
      property,
    }) {
      const declarations = parserServices.getSymbolAtLocation(property)?.declarations ?? [];
      const library = declarations
        .map(
          (node) =>
            /node_modules\/(?:@types\/)?(typeorm|better-sqlite3)\//.exec(node.getSourceFile().fileName)?.[1],
        )
        .find(Boolean);
      if (library) report({ node: property, messageId: 'forbidden', data: { name: property.name, library } });
    },
  }),
};

const SQL = /\b(?:SELECT\s|INSERT\s+INTO\s|DELETE\s+FROM\s|UPDATE\s+\w+\s(?:.*\s)?SET\s|UPDATE\s+$)/s;

const noSqlOutsideStatements = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      forbidden:
        'Hand-written SQL is in *.statements.ts, with its columns from the entity. A single statement that is not hot uses a TypeORM repository.',
    },
  },
  create: ({ report }) => {
    const check = (node, text) => {
      if (SQL.test(text)) report({ node, messageId: 'forbidden' });
    };
    return {
      Literal: (node) => typeof node.value === 'string' && check(node, node.value),
      TemplateElement: (node) => check(node, node.value.raw),
    };
  },
};

/** The files that may reveal a `Secret`, each for one purpose. */
export const REVEALING = [
  // Sealing, masking and fingerprinting; calls of Stripe's SDK; verification of signatures.
  'src/vault/seal/seal.ts',
  'src/payments/stripe-config/credential-sealer.ts',
  'src/payments/stripe/stripe-connector.ts',
  'src/payments/events/destinations/destination-secrets.ts',
  'src/payments/stripe-config/keys/key-probe.ts',
  'src/payments/gateway/gateway.proxy.ts',
  'src/payments/webhooks/refusals/stripe-signature.ts',
  // Sealed values that are not secret to their reader.
  'src/payments/webhooks/events/event-payloads.ts',
  'src/payments/idempotency/idempotent-answers.ts',
  // Secrets of the operator: master keys, token secrets, database passwords, the metrics token.
  'src/config/guessable.ts',
  'src/vault/wrappers/master-keys.ts',
  'src/vault/wrappers/vault-transit-key-wrapper.ts',
  'src/auth/tokens/verification-key.ts',
  'src/database/data-source.ts',
  'src/database/postgres/pooling.ts',
  'src/cli/backup.ts',
  'src/mail/mailer.ts',
  'src/monitoring/metrics.controller.ts',
  'src/auth/tokens/developer-tokens.ts',
  'src/accounts/oidc/identity-provider.ts',
  // Sealing to the public key of the operator who exports.
  'src/cli/export.ts',
  // Passwords: hashing, and the generated password for the operator.
  'src/accounts/passwords/passwords.ts',
  'src/cli/developers/developer-accounts.ts',
];

const UNIT_SPECS = 'src/**/*.spec.ts';
const TESTS = ['test/**/*.ts', UNIT_SPECS, 'packages/*/src/**/*.spec.ts'];

export default defineConfig(
  includeIgnoreFile(join(import.meta.dirname, '.gitignore')),
  { ignores: ['test/fixtures/**', 'packages/client/src/api.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  { rules: { eqeqeq: 'error' } },
  {
    name: 'tillkeeper/scripts',
    files: ['**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(Object.getOwnPropertyNames(globalThis).map((name) => [name, 'readonly'])),
    },
  },
  {
    name: 'tillkeeper/typescript',
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      // Implementations of asynchronous ports may be synchronous.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    name: 'tillkeeper/console',
    files: ['console/src/**'],
    extends: [reactHooks.configs.flat.recommended],
  },
  { name: 'tillkeeper/source', files: ['src/**'], ignores: [UNIT_SPECS], rules: { 'no-console': 'error' } },
  {
    // A header of 16 KB would keep the process busy for seconds.
    name: 'tillkeeper/regular-expressions',
    files: ['src/**'],
    ignores: [UNIT_SPECS],
    plugins: { regexp },
    rules: { 'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }] },
  },
  // The last match decides. In alphabetical order a module precedes its nested modules.
  ...MODULES.toSorted().map(directionOf),
  {
    name: 'tillkeeper/module/payments-events',
    files: ['src/payments/payments-events.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^\\.(?!\\./common/|/stripe/stripe-mode\\.js$|/events/event-types\\.js$)',
              message: 'Every module of payments imports this file, so it imports none of them.',
            },
          ],
        },
      ],
    },
  },
  {
    name: 'tillkeeper/module/bootstrap',
    files: ['src/bootstrap/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [{ regex: '^(?:\\.\\./)+cli/', message: 'The command line and the server start apart.' }],
        },
      ],
    },
  },
  {
    name: 'tillkeeper/transactions',
    files: ['src/**/*.ts'],
    ignores: ['src/database/**'],
    plugins: { tillkeeper: { rules: { 'no-transaction-of-the-driver': noTransactionOfTheDriver } } },
    rules: { 'tillkeeper/no-transaction-of-the-driver': 'error' },
  },
  {
    name: 'tillkeeper/sql',
    files: ['src/**/*.ts'],
    ignores: ['src/database/**', 'src/**/*.statements.ts', UNIT_SPECS],
    plugins: { sql: { rules: { 'in-statements': noSqlOutsideStatements } } },
    rules: { 'sql/in-statements': 'error' },
  },
  {
    name: 'tillkeeper/stripe-clients',
    files: ['src/**'],
    ignores: ['src/payments/stripe/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'NewExpression[callee.name="Stripe"]',
          message: 'Only payments/stripe makes Stripe clients: ask StripeClients for one.',
        },
      ],
    },
  },
  {
    name: 'tillkeeper/secrets',
    files: ['src/**'],
    ignores: [UNIT_SPECS, ...REVEALING],
    rules: {
      'no-restricted-properties': [
        'error',
        { property: 'reveal', message: 'Pass the Secret on; REVEALING lists who may look inside.' },
      ],
    },
  },
  {
    name: 'tillkeeper/no-network-in-transactions',
    files: ['src/database/**', 'src/**/*.repository.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^stripe$|/stripe/(?!stripe-mode\\.js)|/stripe-clients\\.js$',
              message: 'No transaction waits for the network: where SQL is, Stripe is not.',
            },
          ],
        },
      ],
    },
  },
  {
    name: 'tillkeeper/tests',
    files: TESTS,
    rules: {
      'no-restricted-properties': [
        'error',
        ...['describe', 'it', 'test'].map((object) => ({
          object,
          property: 'only',
          message: 'The other tests of the file would silently not run.',
        })),
      ],
      // supertest's bodies are `any`, and tests read them.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
