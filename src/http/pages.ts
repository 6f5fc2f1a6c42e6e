import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { type Settings, VERSION } from '../config/settings.js';

const CONSOLE_URL = '/console';
const CONNECT_URL = '/connect';
const ASSET_URL = /^\/(?:console|connect)\/assets\/[^?]/;
/** The name of an asset changes with its content. */
const ASSET_CACHING = 'public, max-age=31536000, immutable';
const PAGE_CACHING = 'no-cache';

/**
 * Lets a page load and call this server only. No text can become a script.
 * @param embedder an origin that may show the page in a frame
 */
export function pagePolicy(embedder = "'none'"): string {
  return [
    "default-src 'self'",
    `frame-ancestors ${embedder}`,
    "base-uri 'none'",
    "form-action 'self'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}

/**
 * Serves the console, if it is on and built, and the assets of the connect page, if it is built.
 * @returns the URL of the console, or `undefined` without one
 */
export function servePages(fastify: FastifyInstance, settings: Settings): string | undefined {
  const page = settings.console ? readPage(settings, 'console') : undefined;
  const policy = pagePolicy();
  void fastify.register(async (pages) => {
    // Runs after `sendCommonHeaders`.
    pages.addHook('onSend', ({ url }, reply, payload, done) => {
      const caching = ASSET_URL.test(url) ? ASSET_CACHING : PAGE_CACHING;
      if (reply.statusCode < 400)
        reply.headers({ 'cache-control': caching, 'content-security-policy': policy });
      done(null, payload);
    });
    if (page !== undefined) serveConsole(pages, page, factsOf(settings));
    const root = join(settings.pagesDir, 'assets');
    for (const prefix of page === undefined ? [CONNECT_URL] : [CONSOLE_URL, CONNECT_URL])
      if (existsSync(root))
        await pages.register(fastifyStatic, {
          root,
          prefix: `${prefix}/assets/`,
          preCompressed: true,
          index: false,
          cacheControl: false,
          decorateReply: false,
        });
  });
  return page === undefined ? undefined : CONSOLE_URL;
}

/** Serves one page at all URLs, which the browser tells apart. */
function serveConsole(pages: FastifyInstance, page: string, facts: object): void {
  pages.get(`${CONSOLE_URL}/config.json`, () => facts);
  for (const url of [CONSOLE_URL, `${CONSOLE_URL}/*`])
    pages.get(url, (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
}

/**
 * Reads a built page, and makes the relative URLs of its assets absolute, for use at any depth.
 * @returns `undefined` if the pages are not built
 */
export function readPage(
  { pagesDir, publicBaseUrl }: Settings,
  name: 'console' | 'connect',
): string | undefined {
  const file = join(pagesDir, name === 'console' ? 'index.html' : 'connect.html');
  if (!existsSync(file)) return undefined;
  // A proxy may serve this server under a path, which it removes.
  const path = new URL(publicBaseUrl).pathname.replace(/\/$/, '');
  return readFileSync(file, 'utf8').replaceAll('"./assets/', `"${path}/${name}/assets/`);
}

/** What the console must know before somebody signs in. */
function factsOf(settings: Settings): object {
  const { authBuiltin, authRegistration, oidc, platform } = settings;
  return {
    version: VERSION,
    platform: { name: platform.name, color: platform.color ?? null },
    sign_in: {
      password: authBuiltin,
      registration: authBuiltin && authRegistration === 'open',
      oidc: oidc !== undefined,
    },
    accepts_restricted_keys: settings.stripeAcceptRestrictedKeys,
  };
}
