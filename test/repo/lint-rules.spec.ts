import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import config, { REVEALING } from '../../eslint.config.mjs';

const withTypes = new ESLint({ overrideConfigFile: true, overrideConfig: config });

/** Without type information, rules can check files that don't exist. */
const withoutTypes = new ESLint({
  overrideConfigFile: true,
  overrideConfig: [
    ...config,
    tseslint.configs.disableTypeChecked,
    { rules: { 'tillkeeper/no-transaction-of-the-driver': 'off' } },
  ],
});

async function problems(eslint: ESLint, filePath: string, code: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(code, { filePath });
  return result?.messages.map(({ ruleId, message }) => ruleId ?? message) ?? [];
}

describe('imports go down only', () => {
  const imported = (from: string, path: string) => {
    const file = join('src', from);
    // A file that moved would leave the rule untested.
    const target = join(dirname(file), path.replace(/js$/, 'ts'));
    expect([file, target].filter((name) => !existsSync(name))).toEqual([]);
    return problems(withoutTypes, file, `export * from '${path}';`);
  };

  it.each([
    ['common/ids.ts', '../projects/project.entity.js'],
    ['common/ids.ts', '../config/settings.js'],
    ['common/ids.ts', '../http/validation/request.pipe.js'],
    ['http/adapter.ts', '../database/database.js'],
    ['database/database.ts', '../http/error.filter.js'],
    ['monitoring/health.controller.ts', '../bootstrap/shutdown.js'],
    ['history/history-trail.ts', '../auth/caller.js'],
    ['database/database.ts', '../vault/keys/keyring.js'],
    ['database/migrations/initial-tables.ts', '../../projects/project.entity.js'],
    ['vault/vault.module.ts', '../payments/stripe-config/stripe-config.js'],
    ['auth/route-access.ts', '../projects/projects.service.js'],
    ['projects/projects.service.ts', '../payments/stripe-config/stripe-config.service.js'],
    ['projects/projects.service.ts', '../app.module.js'],
    ['payments/stripe/stripe-connector.ts', '../stripe-config/keys/stripe-clients.js'],
    ['payments/stripe/stripe-connector.ts', '../../projects/project.entity.js'],
    ['payments/ledger/ledger.service.ts', '../webhooks/handled-events.js'],
    ['payments/stripe-config/stripe-config.ts', '../payments.module.js'],
    ['payments/stripe-config/stripe-config.service.ts', '../webhooks/webhooks.module.js'],
    ['payments/ledger/ledger.service.ts', '../billing/buyer.guard.js'],
    ['payments/webhooks/webhooks.module.ts', '../../payments/billing/buyer.guard.js'],
    ['payments/stripe-config/stripe-config.ts', '../gateway/gateway-permissions.js'],
    ['payments/gateway/gateway.module.ts', '../ledger/ledger.service.js'],
    ['payments/gateway/gateway.module.ts', '../webhooks/webhooks.module.js'],
    ['payments/payments.module.ts', '../monitoring/monitoring.module.js'],
    ['payments/payments-events.ts', './ledger/ledger.service.js'],
    ['payments/payments-events.ts', '../projects/project.entity.js'],
    ['payments/payments-events.ts', './stripe/stripe-connector.js'],
    ['vault/vault.module.ts', '../cli/session.js'],
    ['bootstrap/server.ts', '../cli/program.js'],
  ])('refuses %s -> %s', async (from, path) => {
    expect(await imported(from, path)).toEqual(['no-restricted-imports']);
  });

  it.each([
    ['projects/projects.service.ts', '../auth/caller.js'],
    ['projects/projects.service.ts', '../common/ids.js'],
    ['projects/projects.service.ts', '../http/adapter.js'],
    ['bootstrap/first-run.ts', '../projects/projects.service.js'],
    ['auth/rate-limit.ts', './caller.js'],
    ['payments/stripe-config/keys/key-probe.ts', '../credential-rules.js'],
    ['payments/stripe-config/stripe-config.service.ts', '../../vault/keys/keyring.js'],
    ['payments/stripe-config/keys/stripe-clients.ts', '../../stripe/stripe-connector.js'],
    ['payments/stripe-config/stripe-config.service.ts', '../../projects/permissions/project.guards.js'],
    ['payments/gateway/gateway.module.ts', '../stripe-config/stripe-config.module.js'],
    ['payments/gateway/gateway.module.ts', '../stripe/stripe-mode.js'],
    ['payments/webhooks/webhooks.module.ts', '../ledger/ledger.service.js'],
    ['payments/webhooks/webhooks.module.ts', '../../config/settings.js'],
    ['payments/payments.module.ts', './webhooks/webhooks.module.js'],
    ['payments/payments-events.ts', './stripe/stripe-mode.js'],
    ['app.module.ts', './payments/payments.module.js'],
  ])('permits %s -> %s', async (from, path) => {
    expect(await imported(from, path)).toEqual([]);
  });

  it('refuses forwardRef, since it hides a cycle', async () => {
    expect(
      await problems(withoutTypes, 'src/auth/auth.module.ts', "export { forwardRef } from '@nestjs/common';"),
    ).toEqual(['no-restricted-imports']);
  });
});

describe('Stripe', () => {
  const client = "import Stripe from 'stripe';\nexport const stripe = new Stripe('');";

  it('has clients constructed in payments/stripe only', async () => {
    expect(await problems(withoutTypes, 'src/payments/webhooks/webhooks.service.ts', client)).toEqual([
      'no-restricted-syntax',
    ]);
    expect(await problems(withoutTypes, 'src/payments/stripe/stripe-connector.ts', client)).toEqual([]);
  });

  it.each([
    ['src/payments/ledger/subscription.repository.ts', 'stripe'],
    ['src/payments/ledger/subscription.repository.ts', '../stripe-config/stripe-clients.js'],
    ['src/payments/ledger/subscription.repository.ts', '../../stripe/stripe-connector.js'],
    ['src/database/transactions.ts', 'stripe'],
  ])('is kept out of %s (%s), so that no transaction waits for the network', async (filePath, path) => {
    expect(await problems(withoutTypes, filePath, `export type * from '${path}';`)).toEqual([
      '@typescript-eslint/no-restricted-imports',
    ]);
  });
});

describe('a secret', () => {
  const look =
    "import type { Secret } from '../common/secret.js';\nexport const text = (secret: Secret) => secret.reveal();";

  it('is revealed in the listed files only', async () => {
    expect(await problems(withoutTypes, 'src/projects/projects.service.ts', look)).toEqual([
      'no-restricted-properties',
    ]);
    expect(await problems(withoutTypes, 'src/vault/seal/seal.ts', look)).toEqual([]);
  });

  it.each(REVEALING)('is revealed in %s, as listed', (file) => {
    expect(readFileSync(file, 'utf8')).toContain('.reveal()');
  });
});

describe("the driver's own transactions", () => {
  const call = (imported: string, type: string, expression: string) =>
    problems(
      withTypes,
      'src/projects/project.repository.ts',
      `${imported}\nexport const attempt = (it: ${type}) => it.${expression};`,
    );

  it.each([
    ['DataSource', 'transaction(() => Promise.resolve())'],
    ['DataSource', 'createQueryRunner()'],
    ['EntityManager', 'save({})'],
    ['Repository<{ id: string }>', 'remove([])'],
  ])('are refused: %s.%s', async (type, expression) => {
    expect(await call("import type * as typeorm from 'typeorm';", `typeorm.${type}`, expression)).toEqual([
      'tillkeeper/no-transaction-of-the-driver',
    ]);
  });

  it('do not reserve their names for other objects', async () => {
    expect(await call('', 'Set<string> & { save(value: string): void }', "save('')")).toEqual([]);
    expect(
      await call(
        "import type { Database } from '../database/database.js';",
        'Database',
        'transaction(function* () {})',
      ),
    ).toEqual([]);
  });

  it('are allowed in src/database', async () => {
    const code =
      "import type { DataSource } from 'typeorm';\nexport const runner = (source: DataSource) => source.createQueryRunner();";
    expect(await problems(withTypes, 'src/database/database.ts', code)).toEqual([]);
  });
});

describe('SQL', () => {
  const STATEMENTS = [
    "'SELECT 1'",
    '`\n  SELECT id FROM ${table}`',
    "'INSERT INTO projects (id) VALUES ($1)'",
    '`UPDATE ${table} SET name = $1`',
    "'UPDATE projects AS p SET name = $1'",
    "'DELETE FROM projects'",
    "'WITH gone AS (DELETE FROM projects RETURNING id) SELECT id FROM gone'",
  ];
  const inFile = (filePath: string, text: string) =>
    problems(withoutTypes, filePath, `export const text = (table: string) => table && ${text};`);

  it.each(STATEMENTS)('is refused outside of statement files: %s', async (text) => {
    expect(await inFile('src/projects/project.repository.ts', text)).toEqual(['sql/in-statements']);
  });

  it.each(['src/projects/project.statements.ts', 'src/database/migrate.ts'])('may be in %s', async (path) => {
    expect(await inFile(path, "'SELECT 1'")).toEqual([]);
  });

  it.each(["'SELECT, INSERT and UPDATE are granted.'", "'After a DELETE the key is gone.'"])(
    'is not mistaken for prose: %s',
    async (text) => {
      expect(await inFile('src/projects/project.repository.ts', text)).toEqual([]);
    },
  );
});

describe('type imports', () => {
  const path = 'src/projects/projects.service.ts';

  it('are required where only the type is used', async () => {
    const code = "import { ProjectId } from '../common/ids.js';\nexport const same = (id: ProjectId) => id;";
    expect(await problems(withTypes, path, code)).toEqual(['@typescript-eslint/consistent-type-imports']);
  });

  it('are not required for a class that Nest injects by its constructor', async () => {
    const code = `import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
@Injectable()
export class ProjectsService {
  constructor(readonly database: Database) {}
}`;
    expect(await problems(withTypes, path, code)).toEqual([]);
  });
});

it('no test file may run only some of its tests', async () => {
  expect(await problems(withoutTypes, 'test/e2e/config.spec.ts', "it.only('works', () => {});")).toEqual([
    'no-restricted-properties',
  ]);
});

it('a promise must not float', async () => {
  expect(await problems(withTypes, 'src/projects/projects.service.ts', 'void 0; Promise.resolve();')).toEqual(
    ['@typescript-eslint/no-floating-promises'],
  );
});

it('a regular expression takes time in proportion to the length of its text', async () => {
  const of = (expression: string) =>
    problems(withoutTypes, 'src/http/entity-tags.ts', `export const ELEMENT = ${expression};`);
  expect(await of('/^[ \\t]*(?:"[a-z]*")?[ \\t]*$/')).toEqual(['regexp/no-super-linear-backtracking']);
  expect(await of('/^[ \\t]*(?:"[a-z]*"[ \\t]*)?$/')).toEqual([]);
});
