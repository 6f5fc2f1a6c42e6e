import { ApiExtension, getSchemaPath, type OpenAPIObject } from '@nestjs/swagger';

const EXTENSION = 'x-events';

/** An event that this service sends to others. */
export interface DocumentedEvent {
  readonly type: string;
  readonly schemaName: string;
  /** A JSON Schema with a description and an example. */
  readonly schema: { readonly description: string };
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

const header = (name: string, description: string, example: string) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string', example },
});

/** The headers of Standard Webhooks 1.0. */
const HEADERS = [
  header('webhook-id', 'The `id` of the event.', '019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34'),
  header('webhook-timestamp', 'When this attempt was made, in seconds since 1970.', '1795253400'),
  header(
    'webhook-signature',
    'Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets.',
    `v1,${'A'.repeat(43)}=`,
  ),
];

/** Documents the events on an operation; `documentWebhooks` moves them to `webhooks`. */
export const ApiEvents = (events: readonly DocumentedEvent[]) => ApiExtension(EXTENSION, events);

/** Fills `webhooks` of OpenAPI 3.1 and the schemas of events from the operations that declare them. */
export function documentWebhooks(document: OpenAPIObject, operations: readonly Operation[]): void {
  const declared = operations as readonly (Operation & { [EXTENSION]?: readonly DocumentedEvent[] })[];
  const events = declared.flatMap(({ [EXTENSION]: events = [] }) => events);
  for (const operation of declared) delete operation[EXTENSION];
  document.components ??= {};
  document.components.schemas = {
    ...document.components.schemas,
    ...Object.fromEntries(events.map(({ schemaName, schema }) => [schemaName, schema])),
  };
  const webhooks = Object.fromEntries(events.map((event) => [event.type, { post: operationOf(event) }]));
  Object.assign(document, { webhooks });
}

function operationOf({ type, schemaName, schema }: DocumentedEvent) {
  return {
    operationId: `on${schemaName}`,
    summary: type,
    description: schema.description,
    tags: ['Events'],
    // The signature authenticates, which no scheme of OpenAPI describes.
    security: [],
    parameters: HEADERS,
    requestBody: {
      required: true,
      content: { 'application/json': { schema: { $ref: getSchemaPath(schemaName) } } },
    },
    responses: {
      '2XX': { description: 'The event was received. Any other answer is tried again.' },
      '410': { description: 'The receiver wants no events any more; its destination is disabled.' },
    },
  };
}
