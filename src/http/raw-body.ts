import type { FastifyInstance } from 'fastify';
import { DomainError } from '../common/errors.js';
import { addUnreadBodyParser } from './request-bodies.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Bytes of a body that reaches the handler as it came, whatever its content type. */
    rawBodyLimit?: number;
  }
}

const RAW = 'application/x-raw';

/** A signature is over the bytes as they came: routes that are marked with `rawBodyLimit` get those, and nothing of them is parsed before. */
export function readRawBodies(fastify: FastifyInstance): void {
  addUnreadBodyParser(fastify, RAW, ({ routeOptions }) => {
    const limit = routeOptions.config.rawBodyLimit;
    if (limit === undefined) throw new DomainError('unsupported_media_type', 'The body must be JSON, sent as application/json.');
    return { limit, parse: (bytes) => bytes };
  });
  fastify.addHook('onRoute', (route) => {
    if (route.config?.rawBodyLimit === undefined) return;
    route.preParsing = (request, _reply, payload, done) => {
      request.headers['content-type'] = RAW;
      done(null, payload);
    };
  });
}
