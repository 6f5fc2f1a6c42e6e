// Bundles the compiled programs of a folder with the packages that they import, since Node takes twice as long
// to start from 3,000 files as from 100. Usage: node scripts/bundle.mjs [FOLDER]
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const folder = resolve(process.argv[2] ?? 'dist');

/**
 * They have native code or files beside it, are loaded by `createRequire` in other packages, which would make a
 * second instance, or are large and rarely used.
 */
const LEFT_OUT = [
  '@aws-sdk/client-kms',
  '@nestjs/platform-express',
  'argon2',
  'better-sqlite3',
  'class-transformer',
  'class-validator',
  'swagger-ui-dist',
];

const bundle = await rolldown({
  input: { main: join(folder, 'main.js'), 'cli/main': join(folder, 'cli/main.js') },
  platform: 'node',
  external: (id) => LEFT_OUT.includes(id),
  onLog(level, log, handle) {
    // Nest and TypeORM try to load packages for features that we don't use.
    if (log.code !== 'UNRESOLVED_IMPORT') handle(level, log);
  },
});
// Class names are names in the OpenAPI document and in log lines.
await bundle.write({
  dir: folder,
  entryFileNames: '[name].js',
  chunkFileNames: 'bundle/[name]-[hash].js',
  keepNames: true,
});
await bundle.close();
