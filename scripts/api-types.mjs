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

const FILE = new URL('../test/harness/story/api.d.ts', import.meta.url);

const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-api-'));
const app = await createApp(loadSettings({ DATA_DIR: folder }), new AppLogger('error'));
/** Without the examples of whole bodies: each field has one of its own. */
const document = JSON.parse(JSON.stringify(openApiDocument(app)), (key, value) => {
  if (key === 'content') for (const media of Object.values(value)) delete media.example;
  return value;
});
const types = `// Made by scripts/api-types.mjs.\n${astToString(await openapiTS(document, { defaultNonNullable: false }))}`;
await app.close();
rmSync(folder, { recursive: true });

if (!process.argv.includes('--check')) writeFileSync(FILE, types);
else if (readFileSync(FILE, 'utf8') !== types) {
  console.error('test/harness/story/api.d.ts is out of date: run node scripts/api-types.mjs');
  process.exitCode = 1;
}
