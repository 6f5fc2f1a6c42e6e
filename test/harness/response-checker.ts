import addFormats from 'ajv-formats';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { OpenAPIObject } from '@nestjs/swagger';

interface Answer {
  method: string;
  /** With parameters in Fastify's form, `:project_id`; `undefined` for an unknown URL. */
  route: string | undefined;
  status: number;
  contentType: string | undefined;
  body: string;
}

type Json = Record<string, unknown>;
type Paths = Record<string, Record<string, { responses?: Record<string, { content?: Json }> }>>;

/**
 * Checks answers against the OpenAPI document: the status is documented, and the body has only documented
 * fields.
 */
export class ResponseChecker {
  readonly #paths: Paths;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: OpenAPIObject) {
    const closed = structuredClone(document) as unknown as {
      components?: { schemas?: Record<string, Json> };
    };
    for (const schema of Object.values(closed.components?.schemas ?? {})) {
      if (schema['type'] === 'object') schema['additionalProperties'] ??= false;
    }
    this.#paths = document.paths as unknown as Paths;
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(closed, 'openapi');
  }

  /** @returns what is wrong with the answer */
  problemOf({ method, route, status, contentType, body }: Answer): string | undefined {
    const path = this.#documentedPath(route);
    if (path === undefined || status === 405) return undefined;
    const where = `${method} ${path} ${status}`;
    const response =
      this.#paths[path]?.[method.toLowerCase() === 'head' ? 'get' : method.toLowerCase()]?.responses?.[
        String(status)
      ];
    if (!response) return `${where}: not documented`;
    if (method === 'HEAD') return undefined;
    if (!response.content) return body === '' ? undefined : `${where}: has a body`;
    if (!contentType?.startsWith('application/json'))
      return `${where}: is ${contentType ?? 'without a content type'}`;
    const validate = this.#validator(path, method.toLowerCase(), status);
    return validate(JSON.parse(body)) ? undefined : `${where}: ${this.#ajv.errorsText(validate.errors)}`;
  }

  #documentedPath(route: string | undefined): string | undefined {
    const path = route?.replace(/:(\w+)/g, '{$1}');
    return path === undefined ? undefined : [path, `${path}/`].find((known) => known in this.#paths);
  }

  #validator(path: string, method: string, status: number): ValidateFunction {
    const pointer = [
      'paths',
      path,
      method,
      'responses',
      String(status),
      'content',
      'application/json',
      'schema',
    ]
      .map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1'))
      .map(encodeURIComponent)
      .join('/');
    let validator = this.#validators.get(pointer);
    if (!validator) {
      validator = this.#ajv.compile({ $ref: `openapi#/${pointer}` });
      this.#validators.set(pointer, validator);
    }
    return validator;
  }
}
