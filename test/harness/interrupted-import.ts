import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { once } from 'node:events';
import { runCommand, startCommand } from './command-line.js';
import { numbered } from './credentials.js';
import { rowsOf } from './database/rows.js';
import type { TestDatabase } from './database/test-database.js';
import type { Installation } from './installation.js';
import { testEnvironment } from './test-app.js';

const FIELDS = ['test_secret_key', 'test_webhook_secret'] as const;

/**
 * Imports this many projects, kills the import once a part of them is stored, and imports the same file again.
 * @param killAt how many projects to wait for
 * @returns how many were stored when it was killed
 */
export async function interruptedImport(
  installation: Installation,
  database: TestDatabase,
  { lines, killAt }: { lines: number; killAt: number },
): Promise<number> {
  const environment = testEnvironment(database);
  const file = await writeFile(join(database.folder, 'tenants.csv'), lines);
  expect(await runCommand(installation, environment, 'migrate')).toMatchObject({ code: 0 });

  const killed = startCommand(installation, environment, 'import', file);
  while ((await count(database, 'projects')) < killAt) await sleep(20);
  await killed.stop('SIGKILL');
  const stored = await count(database, 'projects');
  expect(stored).toBeLessThan(lines);
  await expectWhole(database, stored);

  const { code, output } = await runCommand(installation, environment, 'import', file, '--json');
  expect({ code, ...(JSON.parse(output) as object) }).toMatchObject({
    code: 0,
    lines,
    created: lines - stored,
    updated: 0,
    unchanged: stored,
    refused: 0,
  });
  await expectWhole(database, lines);
  expect(await runCommand(installation, environment, 'audit', 'verify')).toMatchObject({ code: 0 });
  return stored;
}

/** Expects each project to have its configuration, both credentials, and one entry in the history about each. */
async function expectWhole(database: TestDatabase, projects: number): Promise<void> {
  const counts = {
    projects: await count(database, 'projects'),
    configs: await count(database, 'stripe_configs'),
    credentials: await count(database, 'stripe_credentials'),
    created: await count(database, `audit_entries WHERE action = 'project.created'`),
    configured: await count(database, `audit_entries WHERE action = 'config.created'`),
    changed: await count(database, `audit_entries WHERE action LIKE '%.updated'`),
  };
  expect(counts).toEqual({
    projects,
    configs: projects,
    credentials: projects * FIELDS.length,
    created: projects,
    configured: projects,
    changed: 0,
  });
}

async function count(database: TestDatabase, rows: string): Promise<number> {
  const [row] = await rowsOf(database, `(SELECT count(*) AS number FROM ${rows}) counted`);
  return Number(row?.number);
}

async function writeFile(path: string, lines: number): Promise<string> {
  const file = createWriteStream(path);
  file.write(`project_id,owner_id,name,${FIELDS.join(',')}\n`);
  for (let line = 0; line < lines; line++) {
    const credentials = numbered(line % 10_000, FIELDS);
    const keys = FIELDS.map((field) => credentials[field]).join(',');
    if (!file.write(`${randomUUID()},developer-${line % 50},Shop ${line},${keys}\n`))
      await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
  return path;
}
