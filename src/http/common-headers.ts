import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isDocsUrl } from './openapi/docs.js';

export const REQUEST_ID_HEADER = 'x-request-id';

/** Headers of a response with data: nothing may store it, guess its type, frame it or run it. `/docs` is a page and gets helmet's. */
const DATA_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export function sendCommonHeaders(fastify: FastifyInstance): void {
  // Not earlier: Nest answers a preflight in a hook that comes before all of ours.
  fastify.addHook('onSend', (request, reply, payload, done) => {
    setCommonHeaders(request, reply);
    done(null, payload);
  });
}

export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header(REQUEST_ID_HEADER, request.id);
  if (!isDocsUrl(request.url)) reply.headers(DATA_HEADERS);
}
