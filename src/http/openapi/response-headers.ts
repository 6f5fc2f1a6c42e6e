import type { OpenAPIObject } from '@nestjs/swagger';

type Headers = NonNullable<NonNullable<OpenAPIObject['components']>['headers']>;

const HEADERS = {
  'X-Request-Id': {
    description:
      'Identifies the answer in the log of the service. A UUID or trace id in `X-Request-Id` of the request is used.',
    required: true,
    schema: { type: 'string' },
    example: '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11',
  },
  'WWW-Authenticate': {
    description: 'The problem of the access token (RFC 6750).',
    schema: { type: 'string' },
    example: 'Bearer error="invalid_token", error_description="The access token has expired."',
  },
  'Retry-After': {
    description: 'Seconds to wait before the next attempt.',
    schema: { type: 'integer', minimum: 1 },
    example: 10,
  },
} satisfies Headers;

const OF_STATUS: Record<string, (keyof typeof HEADERS)[]> = {
  401: ['WWW-Authenticate'],
  403: ['WWW-Authenticate'],
  409: ['Retry-After'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};

/** Documents the headers shared by all responses with a status. */
export function documentResponseHeaders({ paths, components = {} }: OpenAPIObject): void {
  components.headers = { ...HEADERS, ...components.headers };
  for (const { get, put, post, patch, delete: remove } of Object.values(paths)) {
    for (const { responses = {} } of [get, put, post, patch, remove].filter(
      (operation) => operation !== undefined,
    )) {
      for (const [status, response] of Object.entries(responses)) {
        if (response === undefined || '$ref' in response) continue;
        const names = ['X-Request-Id', ...(OF_STATUS[status] ?? [])];
        const common = names.map((name) => [name, { $ref: `#/components/headers/${name}` }] as const);
        response.headers = { ...Object.fromEntries(common), ...response.headers };
      }
    }
  }
}
