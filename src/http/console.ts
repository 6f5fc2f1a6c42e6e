import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { type Settings, VERSION } from '../config/settings.js';

/** Where `npm run build` puts the pages. */
const BUILT_PAGES = fileURLToPath(new URL('../console/', import.meta.url));

const CONSOLE_URL = '/console';
/** The name of an asset changes with its content. */
const ASSET_CACHING = 'public, max-age=31536000, immutable';
const PAGE_CACHING = 'no-cache';

/** Lets the pages load and call this server only. No text can become a script. */
const POLICY = [
  "default-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "require-trusted-types-for 'script'",
].join('; ');

/**
 * Serves the console, if it is on and built: its assets, and one page for all URLs of its screens.
 * @returns the URL of the console, or `undefined` without one
 */
export function serveConsole(
  fastify: FastifyInstance,
  settings: Settings,
  folder = BUILT_PAGES,
): string | undefined {
  if (!settings.console || !existsSync(join(folder, 'index.html'))) return undefined;
  const assetsUrl = `${CONSOLE_URL}/assets/`;
  // A proxy may serve this server under a path, which it removes.
  const path = new URL(settings.publicBaseUrl).pathname.replace(/\/$/, '');
  const page = readPage(join(folder, 'index.html'), `${path}${assetsUrl}`);
  const facts = factsOf(settings);
  void fastify.register(async (pages) => {
    // Runs after `sendCommonHeaders`.
    pages.addHook('onSend', ({ url }, reply, payload, done) => {
      const caching = url.startsWith(assetsUrl) ? ASSET_CACHING : PAGE_CACHING;
      if (reply.statusCode < 400)
        reply.headers({ 'cache-control': caching, 'content-security-policy': POLICY });
      done(null, payload);
    });
    await pages.register(fastifyStatic, {
      root: resolve(folder, 'assets'),
      prefix: assetsUrl,
      preCompressed: true,
      index: false,
      cacheControl: false,
      decorateReply: false,
    });
    pages.get(`${CONSOLE_URL}/config.json`, () => facts);
    for (const url of [CONSOLE_URL, `${CONSOLE_URL}/*`])
      pages.get(url, (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
  });
  return CONSOLE_URL;
}

/** Reads a page, whose URLs of assets are relative, for use at any depth. */
function readPage(file: string, assetsUrl: string): string {
  return readFileSync(file, 'utf8').replaceAll('"./assets/', `"${assetsUrl}`);
}

/** What the console must know before somebody signs in. */
function factsOf({ authBuiltin, authRegistration }: Settings): object {
  return {
    version: VERSION,
    platform: { name: 'Tillkeeper' },
    sign_in: { password: authBuiltin, registration: authBuiltin && authRegistration === 'open', oidc: false },
  };
}
