import type { FastifyInstance } from 'fastify';
import { DomainError } from './errors.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Bytes of a body that reaches the handler as it came, whatever its content type. */
    rawBodyLimit?: number;
  }
}

const RAW = 'application/x-raw';

/** A signature is over the bytes as they came: routes that are marked with `rawBodyLimit` get those, and nothing of them is parsed before. */
export function readRawBodies(fastify: FastifyInstance): void {
  fastify.addContentTypeParser<Buffer>(RAW, { parseAs: 'buffer' }, ({ routeOptions }, bytes, done) => {
    const isRaw = routeOptions.config.rawBodyLimit !== undefined;
    done(isRaw ? null : new DomainError('unsupported_media_type', 'The body must be JSON, sent as application/json.'), bytes);
  });
  fastify.addHook('onRoute', (route) => {
    const limit = route.config?.rawBodyLimit;
    if (limit === undefined) return;
    route.bodyLimit = limit;
    route.preParsing = (request, _reply, payload, done) => {
      request.headers['content-type'] = RAW;
      done(null, payload);
    };
  });
}
