// Writes the TypeScript types of the API as a client would generate them, from the document that is served;
// run it after a build. With --check it writes nothing and exits 1 if something would change.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';
import { createApp } from '../dist/bootstrap/app.js';
import { AppLogger } from '../dist/http/app-logger.js';
import { loadSettings } from '../dist/config/load-settings.js';
import { openApiDocument } from '../dist/http/openapi/docs.js';

const FILE = new URL('../packages/client/src/api.ts', import.meta.url);

const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-api-'));
const app = await createApp(loadSettings({ DATA_DIR: folder }), new AppLogger('error'));
/** Without the examples of whole bodies: each field has one of its own. */
const document = JSON.parse(JSON.stringify(openApiDocument(app)), (key, value) => {
  if (key === 'content') for (const media of Object.values(value)) delete media.example;
  return value;
});
const types = astToString(await openapiTS(document, { defaultNonNullable: false }));
const text = `// Made by scripts/api-types.mjs.
${types}
/** Operations that take an \`Idempotency-Key\`. */
export const IDEMPOTENT_OPERATIONS = ${JSON.stringify(idempotentOperationsOf(document), null, 2)} as const;
`;
await app.close();
rmSync(folder, { recursive: true });

if (!process.argv.includes('--check')) writeFileSync(FILE, text);
else if (readFileSync(FILE, 'utf8') !== text) {
  console.error('packages/client/src/api.ts is out of date: run node scripts/api-types.mjs');
  process.exitCode = 1;
}

/** `POST /api/v1/…` */
function idempotentOperationsOf({ paths }) {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { parameters = [] }]) => parameters.some(({ name }) => name === 'Idempotency-Key'))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
}
