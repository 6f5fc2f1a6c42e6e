import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Puts compressed files beside the assets, which the server sends to browsers that understand them. */
const compression: Plugin = {
  name: 'compression',
  writeBundle({ dir = '' }, bundle) {
    for (const name of Object.keys(bundle).filter((file) => /^assets\/.*\.(?:js|css)$/.test(file))) {
      const path = join(dir, name);
      const content = readFileSync(path);
      writeFileSync(`${path}.br`, brotliCompressSync(content));
      writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
    }
  },
};

export default defineConfig({
  // The server puts the path of the console in front of the assets' URLs in the pages.
  base: './',
  plugins: [compression],
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows no data URLs.
    assetsInlineLimit: 0,
    // Browsers that run the console preload modules themselves.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['index.html', 'connect.html'],
      output: {
        codeSplitting: {
          // Few larger files compress better. A group also has what its modules import.
          groups: [
            {
              name: 'shared',
              test: /src\/(?:api\/(?:errors|place)|pages\/stripe\/fields|shell\/(?:mode|theme)|styles|text\/(?:index|language)|ui\/con)|react-dom/,
            },
            { name: 'frame', test: /src\/(?:api|shell\/(?!palette)|ui\/(?:ago|loaded|use-act))/ },
          ],
        },
      },
      onLog(level, log, handle) {
        // Libraries mark modules for servers that render React, which have no meaning here.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
});
