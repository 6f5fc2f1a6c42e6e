import { badRequest } from '../refusals.js';
import { newId } from '../resources.js';
import { type Call, list, page, retrieve, route } from '../router.js';

const ENDPOINTS_PER_MODE = 16;
/** Filters of the list of events. */
const MAX_TYPES = 20;

export const webhookRoutes = [
  route(
    'POST',
    '/v1/webhook_endpoints',
    'rak_webhook_write',
    ['url', 'enabled_events', 'api_version', 'description', 'metadata'],
    (call) => {
      const { data, params } = call;
      params.required('url');
      if (!params.has('enabled_events')) params.required('enabled_events');
      if (data.all('webhook_endpoint').length >= ENDPOINTS_PER_MODE)
        throw badRequest(
          `You have reached the maximum of ${ENDPOINTS_PER_MODE} ${data.mode} webhook endpoints.`,
        );
      const version = params.text('api_version') ?? null;
      if (version && !/^\d{4}-\d\d-\d\d(\.\w+)?$/.test(version))
        throw badRequest(`Invalid API version: ${version}`, 'api_version');
      const endpoint = data.create('webhook_endpoint', {
        url: urlFrom(call),
        enabled_events: params.texts('enabled_events'),
        api_version: version,
        description: params.nullable('description'),
        metadata: params.metadata(),
      });
      const secret = newId('webhook_secret');
      data.webhookSecrets.set(endpoint.id, secret);
      return { ...endpoint, secret };
    },
  ),
  list('webhook_endpoint', '/v1/webhook_endpoints', 'rak_webhook_read'),
  retrieve('webhook_endpoint', '/v1/webhook_endpoints', 'rak_webhook_read'),
  route(
    'POST',
    '/v1/webhook_endpoints/:id',
    'rak_webhook_write',
    ['url', 'enabled_events', 'description', 'metadata', 'disabled'],
    (call) => {
      const { data, params, id } = call;
      const endpoint = data.get('webhook_endpoint', id);
      const disabled = params.flag('disabled');
      return Object.assign(endpoint, {
        ...(params.has('url') && { url: urlFrom(call) }),
        ...(params.has('enabled_events') && { enabled_events: params.texts('enabled_events') }),
        ...(params.has('description') && { description: params.nullable('description') }),
        ...(disabled !== undefined && { status: disabled ? 'disabled' : 'enabled' }),
        metadata: params.metadata(endpoint.metadata),
      });
    },
  ),
  route('DELETE', '/v1/webhook_endpoints/:id', 'rak_webhook_write', [], ({ data, id }) => {
    data.delete('webhook_endpoint', id);
    data.webhookSecrets.delete(id);
    return { id, object: 'webhook_endpoint', deleted: true };
  }),
  route(
    'GET',
    '/v1/events',
    'rak_event_read',
    ['limit', 'starting_after', 'ending_before', 'created', 'type', 'types'],
    ({ data, params }) => {
      const type = params.text('type');
      const types = type === undefined ? params.texts('types') : [type];
      if (types.length > MAX_TYPES)
        throw badRequest(`You may pass at most ${MAX_TYPES} event types.`, 'types');
      const wanted = data
        .all('event')
        .filter((event) => types.length === 0 || types.some((one) => matches(one, event.type)));
      return page(wanted, params, '/v1/events', 'event');
    },
  ),
  retrieve('event', '/v1/events', 'rak_event_read'),
];

/** Accepts loopback addresses, unlike Stripe, since they are reachable here. */
function urlFrom({ data, params }: Call): string {
  const url = params.url('url') ?? '';
  if (data.livemode && !url.startsWith('https:'))
    throw badRequest('Invalid URL: URL must use HTTPS in live mode.', 'url', 'url_invalid');
  return url;
}

/** `invoice.*` matches every type of an invoice. */
function matches(pattern: string, type: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}
