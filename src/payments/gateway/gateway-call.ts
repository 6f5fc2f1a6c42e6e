import type { FastifyRequest } from 'fastify';
import { FormScanner, type OnWatched } from './bodies/form-scanner.js';
import { boundaryOf, MultipartScanner } from './bodies/multipart-scanner.js';
import { ACCOUNT_HEADERS } from './gateway-headers.js';
import {
  type GatewayAction,
  isAllowed,
  isMeterEventStream,
  isPlainPath,
  type Operation,
  operationOf,
  resourcesOfExpansion,
} from './gateway-permissions.js';
import { GatewayError, permissionMissing } from './gateway.errors.js';
import type { UsedGatewayKey } from './keys/gateway-key.js';

const QUERY = /^[\x21\x22\x24-\x7e\x80-\xff]*$/;
const FORM = /^application\/x-www-form-urlencoded\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

/** A request of a known key: the operation, and the permissions that it needs. */
export class GatewayCall {
  readonly operation: Operation;
  /** `customers:read` */
  readonly needed = new Set<string>();
  /** The permission that the key lacks. */
  missing: string | undefined;
  readonly hasBody: boolean;
  /** Throws `GatewayError` at a parameter of the body that the key may not use. Set by `admit`. */
  bodyScanner: FormScanner | MultipartScanner | undefined;
  readonly #path: string;
  /** Empty, or with its question mark. */
  readonly #query: string;

  /** @throws GatewayError `gateway_request_invalid` */
  constructor(
    private readonly request: FastifyRequest,
    readonly key: UsedGatewayKey,
  ) {
    const { method, url } = request;
    const [path = ''] = url.split('?', 1);
    this.#path = path;
    this.#query = url.slice(path.length);
    if (!isPlainPath(path) || !QUERY.test(this.#query))
      throw new GatewayError(
        'gateway_request_invalid',
        'The URL has an empty or a dot segment, an encoded slash, or another character that no id of Stripe has.',
      );
    this.operation = operationOf(method, path);
    const { headers } = request;
    this.hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  }

  /** Path and query for Stripe, as the client sent them. */
  get target(): string {
    return this.#path + this.#query;
  }

  /** Checks what the URL and the headers say. @throws GatewayError */
  admit(): void {
    const { headers } = this.request;
    if (this.key.projectPaused)
      throw new GatewayError(
        'gateway_project_paused',
        'The operator has paused the gateway for this project. Ask the operator to resume it.',
      );
    if (this.key.paused)
      throw new GatewayError(
        'gateway_key_paused',
        'This gateway key is paused. An admin of the project can resume it.',
      );
    if (isMeterEventStream(this.#path))
      throw new GatewayError(
        'gateway_route_unknown',
        'Meter event streams are not available through the gateway: send meter events one by one.',
      );
    this.#demand(this.operation.resource, this.operation.action);
    for (const name of ACCOUNT_HEADERS) {
      const account = headers[name];
      if (account !== undefined && !this.key.accounts.some((allowed) => allowed === account))
        throw new GatewayError(
          'gateway_account_not_allowed',
          'This gateway key may not act for this account. An admin of the project can add it to its accounts.',
        );
    }
    if (this.#query !== '') {
      const scanner = this.#scanner();
      scanner.push(this.#query.slice(1));
      scanner.end();
    }
    if (!this.hasBody) return;
    if (!/^(?:identity)?$/i.test(headers['content-encoding'] ?? ''))
      throw new GatewayError('gateway_body_compressed', 'Send the body without a Content-Encoding.');
    this.bodyScanner = this.#scannerFor(headers['content-type']);
    // API v2 has no expansions.
    if (!this.bodyScanner && !this.#path.startsWith('/v2/')) this.#demandFor(undefined, '');
  }

  #scannerFor(type: string | undefined): FormScanner | MultipartScanner | undefined {
    // Servers read a body without a content type as a form.
    if (type === undefined || FORM.test(type)) return this.#scanner();
    const boundary = boundaryOf(type);
    if (boundary === undefined) return undefined;
    return new MultipartScanner(boundary, this.#demandFor);
  }

  #scanner(): FormScanner {
    return new FormScanner(this.#demandFor);
  }

  #demand(resource: string, action: GatewayAction): void {
    const permission = `${resource}:${action}`;
    this.needed.add(permission);
    if (isAllowed(this.key.permissions, resource, action)) return;
    this.missing = permission;
    throw permissionMissing(resource, action);
  }

  /** An unreadable part of a request may be any parameter. */
  readonly #demandFor: OnWatched = (parameter, value) => {
    if (parameter !== 'file_link_data')
      for (const resource of resourcesOfExpansion(this.operation.objects, value))
        this.#demand(resource, 'read');
    if (parameter !== 'expand' && this.operation.path === '/v1/files') this.#demand('file_links', 'write');
  };
}
