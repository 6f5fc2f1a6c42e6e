import type { OpenAPIObject } from '@nestjs/swagger';

type SchemaOrReference = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];
type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;
type Content = Extract<NonNullable<Operation['requestBody']>, { content: unknown }>['content'];

const PROJECT_ID = '6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11';
const SUBSCRIPTION_ROW_ID = 'b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24';
const USER_ID = '0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35';
const DEVELOPER_ID = '3d5b8e72-4a61-4f09-b7c8-91e2f0a3d546';
const COLLEAGUE_ID = '8a7c1f52-9d3b-4e60-b1f4-c25d7e0a9b38';
const WEBHOOK_URL = `https://tillkeeper.example.com/api/v1/payments/stripe/webhooks/${PROJECT_ID}`;

const REGISTERED_AT = '2026-11-20T08:15:00.000Z';
const PROJECT_CREATED_AT = '2026-11-20T08:20:00.000Z';
const CONFIGURED_AT = '2026-11-20T09:00:00.000Z';
const SUBSCRIBED_AT = '2026-11-21T09:30:00.000Z';
const PERIOD_END = '2026-12-21T09:30:00.000Z';

const ACCOUNT = { id: DEVELOPER_ID, created_at: REGISTERED_AT, project_id: null };
const PROJECT = { id: PROJECT_ID, created_at: PROJECT_CREATED_AT, updated_at: PROJECT_CREATED_AT };
const SERVICE_ACCOUNT = {
  id: 'a4c8e1f3-5b27-4d90-8e6a-3f1b7c9d2e45',
  expires_at: '2040-01-01T00:00:00.000Z',
  created_at: PROJECT_CREATED_AT,
  last_used_at: SUBSCRIBED_AT,
  former_key_expires_at: null,
};
const GATEWAY_KEY = {
  id: 'b7e2d940-6c1f-4a83-9d57-2e8f4c6a1b30',
  expires_at: '2040-01-01T00:00:00.000Z',
  created_at: PROJECT_CREATED_AT,
  last_used_at: SUBSCRIBED_AT,
  former_key_expires_at: null,
};
const CONNECT_LINK = {
  id: 'c3e9a1d7-4b68-4f25-8a90-7d1c5e3b6f42',
  expires_at: '2026-11-20T09:15:00.000Z',
};
const DESTINATION = {
  id: '7d2c9b1e-4f83-4a6d-9c50-8b1e6f3a2d74',
  disabled_reason: null,
  failing_since: null,
  last_failure_at: null,
  former_secret_expires_at: null,
  created_at: CONFIGURED_AT,
  updated_at: CONFIGURED_AT,
};
const DELIVERY = {
  id: '019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34',
  state: 'delivered',
  attempts: [
    { at: SUBSCRIBED_AT, status: 503, duration_ms: 84, error: 'The receiver answered 503.' },
    { at: '2026-11-21T09:30:05.200Z', status: 200, duration_ms: 61, error: null },
  ],
  next_attempt_at: null,
  response: 'ok',
  created_at: SUBSCRIBED_AT,
};
const INVITATION = {
  id: 'd1f7b3a8-5c20-4e96-9b7d-3a60c8e2f415',
  email: 'ada@example.com',
  created_at: CONFIGURED_AT,
  expires_at: '2026-11-27T09:00:00.000Z',
};
const SUBSCRIPTION = {
  id: SUBSCRIPTION_ROW_ID,
  user_id: USER_ID,
  current_period_start: SUBSCRIBED_AT,
  current_period_end: PERIOD_END,
  cancel_at: null,
  cancelled_at: null,
  created_at: SUBSCRIBED_AT,
  updated_at: SUBSCRIBED_AT,
};
const PAYMENT = {
  id: '9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47',
  subscription_id: SUBSCRIPTION_ROW_ID,
  user_id: USER_ID,
  dispute_status: null,
  created_at: SUBSCRIBED_AT,
  updated_at: SUBSCRIBED_AT,
};

/**
 * One story for all examples: Ada creates the project "Corner shop" and stores test credentials;
 * a user subscribes to "Pro". Other fields keep the examples of their DTOs.
 */
const STORY: Record<string, Record<string, unknown>> = {
  RegistrationResponse: ACCOUNT,
  UserResponse: ACCOUNT,
  Session: {
    created_at: REGISTERED_AT,
    last_used_at: CONFIGURED_AT,
    expires_at: '2026-11-27T09:00:00.000Z',
  },
  ProjectResponse: PROJECT,
  OperatorProjectResponse: { ...PROJECT, owner_id: DEVELOPER_ID, description: null },
  OperatorProjectsResponse: { next_cursor: null },
  EventDestinationResponse: DESTINATION,
  EventDestinationSecretResponse: DESTINATION,
  EventDeliveryResponse: DELIVERY,
  EventDeliveryListResponse: { next_cursor: null },
  EventRecoverRequest: { since: CONFIGURED_AT },
  ServiceAccountResponse: SERVICE_ACCOUNT,
  ServiceAccountKeyResponse: { ...SERVICE_ACCOUNT, last_used_at: null },
  GatewayKeyResponse: GATEWAY_KEY,
  IssuedGatewayKeyResponse: { ...GATEWAY_KEY, last_used_at: null },
  ConnectLinkResponse: { ...CONNECT_LINK, created_at: CONFIGURED_AT },
  ConnectLinkCreatedResponse: CONNECT_LINK,
  ConnectPage: { expires_at: CONNECT_LINK.expires_at, restricted_key_url: null },
  ConnectCompletion: { endpoint_problem: null },
  ProjectPaymentConfigResponse: {
    id: PROJECT_ID,
    created_at: PROJECT_CREATED_AT,
    description: 'Sells bread by subscription',
    test_configured_at: CONFIGURED_AT,
    live_configured_at: null,
  },
  StripeConfigResponse: {
    id: 'e8d0c4b2-5f17-4a93-8c6e-1b7d9f2a0e58',
    test_configured_at: CONFIGURED_AT,
    live_configured_at: null,
    created_at: CONFIGURED_AT,
    updated_at: CONFIGURED_AT,
    warnings: [],
  },
  HistoryEntry: {
    seq: 2,
    at: CONFIGURED_AT,
    action: 'config.created',
    actor: { kind: 'person', subject: DEVELOPER_ID, name: null },
    version: 1,
    fields: [{ field: 'test_secret_key', last_four: 'aaaa' }],
    endpoint_id: null,
    service_account_id: null,
    gateway_key_id: null,
    webhook_event_id: null,
    connect_link_id: null,
    member: null,
    role: null,
    invitation_id: null,
    event_destination_id: null,
    event_destination_host: null,
  },
  HistoryVerification: { entries: 2, verified_at: SUBSCRIBED_AT },
  StripeModeStatus: { verified_at: CONFIGURED_AT, checked_at: SUBSCRIBED_AT, last_error: null },
  StripeWebhookStatus: {
    endpoint_problem: null,
    endpoint_problem_since: null,
    former_secret_valid_until: null,
    last_event_at: SUBSCRIBED_AT,
    last_failure_at: null,
    last_failure_reason: null,
  },
  MemberResponse: { subject: COLLEAGUE_ID, role: 'admin', created_at: CONFIGURED_AT },
  MemberListResponse: {
    members: [
      { subject: DEVELOPER_ID, role: 'owner', created_at: null },
      { subject: COLLEAGUE_ID, role: 'admin', created_at: CONFIGURED_AT },
    ],
  },
  InvitationResponse: INVITATION,
  InvitationCreatedResponse: INVITATION,
  MemberCreateRequest: { email: undefined },
  WebhookEndpointResponse: { url: `${WEBHOOK_URL}/test` },
  StripeSubscriptionResponse: SUBSCRIPTION,
  AggregatedSubscriptionResponse: SUBSCRIPTION,
  StripePaymentResponse: PAYMENT,
  AggregatedPaymentResponse: PAYMENT,
  CancelSubscriptionResponse: {
    cancel_at: PERIOD_END,
    cancelled_at: SUBSCRIBED_AT,
    message: 'The subscription ends on 2026-12-21.',
  },
  StripeWebhookEvent: {
    reason: null,
    last_failure_at: null,
    last_failure_reason: null,
    created_at: SUBSCRIBED_AT,
    received_at: '2026-11-21T09:30:01.000Z',
    processed_at: '2026-11-21T09:30:01.250Z',
  },
  StripeWebhookRefusals: {
    reason: 'too_old',
    first_at: '2026-11-20T10:00:00.000Z',
    last_at: '2026-11-20T10:05:00.000Z',
  },
  StripeReconcileResponse: { since: '2026-10-22T09:30:00.000Z', failures: [] },
};

/** Keeps only test-mode credentials, with masks that match the values in the request. */
function ofTestMode(field: string, example: unknown): unknown {
  if (/^live_.*_masked$/.test(field)) return null;
  if (field.endsWith('_masked')) return String(example).replace(/.{4}$/, 'aaaa');
  return field.startsWith('live_') ? undefined : example;
}

/** Replaces examples of fields that exist once per credential. */
const DERIVED: Record<string, (field: string, example: unknown) => unknown> = {
  StripeConfigRequest: ofTestMode,
  StripeConfigResponse: ofTestMode,
};

type ErrorBody = string | { loc: (string | number)[]; msg: string; type: string };

/** Default example for each status. `ERRORS_OF` overrides it for an operation. */
const ERRORS: Record<string, ErrorBody> = {
  400: 'The request is malformed.',
  401: 'Send an access token in the Authorization header: Bearer, a space, the token.',
  404: 'There is no project with this id.',
  408: 'The body took too long to arrive; nothing was changed.',
  412: 'The configuration is not the one that If-Match names: somebody else was faster; read it again.',
  413: 'The body is too large.',
  415: 'The body must be JSON, sent as application/json.',
  422: { loc: ['path', 'project_id'], msg: 'must be a UUID', type: 'uuid_parsing' },
  429: 'Too many requests; wait as long as Retry-After says.',
  500: 'Something went wrong on our side.',
  503: 'The database is not available at the moment; try again shortly.',
};

const NOT_A_MEMBER = 'This project belongs to somebody else.';
const FOR_DEVELOPERS = 'This operation is for the developer of a project, not for its end users.';
const FOR_OPERATORS = 'This operation is for operators of this service.';
const FOR_END_USERS =
  'This operation is for the end users of a project, whose access token has a project_id.';

const missing = (field: string): ErrorBody => ({ loc: ['body', field], type: 'missing', msg: 'is required' });
const PAGE_TOO_SMALL: ErrorBody = {
  loc: ['query', 'page'],
  type: 'greater_than_equal',
  msg: 'must be at least 1',
};
const UNKNOWN_QUERY: ErrorBody = {
  loc: ['query', 'page'],
  type: 'extra_forbidden',
  msg: 'is not a parameter of this operation; look for a typing error',
};
const NO_FLAG: ErrorBody = { loc: ['query', 'test_mode'], type: 'bool_type', msg: 'must be true or false' };
const NO_BODY_FLAG = (field: string): ErrorBody => ({
  loc: ['body', field],
  type: 'bool_type',
  msg: 'must be true or false',
});

const NO_ACCOUNT = 'The access token was not made for an account of this service.';
const NO_SESSION = 'There is no session with this id.';
const NO_SESSION_ID: ErrorBody = { loc: ['path', 'session_id'], msg: 'must be a UUID', type: 'uuid_parsing' };
const NO_ACCOUNTS = 'There is nothing at this URL.';
const FOREIGN_ORIGIN =
  'Sessions of a browser are for pages of this service: Origin must be the origin of this service. Other clients use /auth/login.';
const ATTEMPTS = 'Too many failed attempts; wait as long as Retry-After says.';
const DECLINED = 'The payment was declined, and nothing was changed; try another card, or ask your bank.';
const SAME_KEY_RUNS = 'A request with this Idempotency-Key is still running; try again shortly.';
const NO_TEST_KEY = 'This project has no test secret key.';
const OUT_OF_ORDER =
  'Payments do not work in this project at the moment; its owner has to look at its Stripe settings.';
const HAS_ROLE = 'This person has a role in the project already.';
const NO_MEMBER = 'This person is no member of the project.';
const OWNER_STAYS = 'This person owns the project; transfer it to another member first.';
const NO_INVITATION =
  'There is no such invitation: it was used, withdrawn or has expired. Ask for another one.';
const ENDPOINT_BUSY = 'This webhook endpoint is being made or removed right now; try again shortly.';

const PAYLOAD_GONE = 'The payload of this event is not kept any more.';
const NO_SERVICE_ACCOUNT = 'There is no service account with this id.';
const ACCOUNT_EXPIRED = 'The service account has expired: send a later expires_at with the rotation.';
const TOO_MANY_ACCOUNTS = 'There are 100 service accounts, which is the most: revoke one first.';
const NO_DESTINATION = 'There is no event destination with this id.';
const TOO_MANY_DESTINATIONS = 'There are 16 event destinations, which is the most: delete one first.';
const TOO_MANY_FORMER_SECRETS =
  'The overlaps of 5 former secrets have not ended, which is the most: wait, or rotate with overlap_seconds 0, which ends them all.';
const NO_DESTINATION_ID: ErrorBody = {
  loc: ['path', 'destination_id'],
  msg: 'must be a UUID',
  type: 'uuid_parsing',
};
const NO_DELIVERY_OF_EVENT = 'The destination has no delivery of this event.';
const ONE_DESTINATION = { 404: NO_DESTINATION, 422: NO_DESTINATION_ID };
const NO_ACCOUNT_ID: ErrorBody = {
  loc: ['path', 'service_account_id'],
  msg: 'must be a UUID',
  type: 'uuid_parsing',
};

const NO_GATEWAY_KEY = 'There is no gateway key with this id.';
const GATEWAY_KEY_EXPIRED = 'The gateway key has expired: send a later expires_at with the rotation.';
const TOO_MANY_GATEWAY_KEYS = 'The project has 100 gateway keys, which is the most: revoke one first.';
const NO_GATEWAY_KEY_ID: ErrorBody = { ...NO_ACCOUNT_ID, loc: ['path', 'gateway_key_id'] };

const CONNECT_ERRORS = {
  401: "Send the link's token in the Authorization header: Bearer, a space, the token.",
  404: 'There is no such link: copy all of it, or ask for another one where you got it.',
  410: 'This link was used, withdrawn, or has expired: ask for another one where you got it.',
};

const ERRORS_OF: Record<string, Record<string, ErrorBody>> = {
  register: {
    403: 'Registration is closed here: ask the operator of this service for an account.',
    404: NO_ACCOUNTS,
    409: 'There is an account with this e-mail address: log in.',
    422: missing('email'),
  },
  logIn: {
    401: 'The e-mail address or the password is wrong.',
    404: NO_ACCOUNTS,
    422: missing('email'),
    429: ATTEMPTS,
  },
  refresh: {
    401: 'The refresh token is not valid, or no longer: log in again.',
    404: NO_ACCOUNTS,
    422: missing('refresh_token'),
  },
  signIn: {
    401: 'The e-mail address or the password is wrong.',
    403: FOREIGN_ORIGIN,
    404: NO_ACCOUNTS,
    422: missing('email'),
    429: ATTEMPTS,
  },
  refreshSession: {
    401: 'The refresh token is not valid, or no longer: log in again.',
    403: FOREIGN_ORIGIN,
    404: NO_ACCOUNTS,
    422: UNKNOWN_QUERY,
  },
  signOut: { 403: FOREIGN_ORIGIN, 404: NO_ACCOUNTS, 422: UNKNOWN_QUERY },
  getMe: { 404: NO_ACCOUNT, 422: UNKNOWN_QUERY },
  deleteMe: {
    404: NO_ACCOUNT,
    409: 'The account owns projects: transfer or delete them before you delete the account.',
    422: UNKNOWN_QUERY,
  },
  requestPasswordReset: { 404: NO_ACCOUNTS, 422: missing('email') },
  resetPassword: {
    401: 'The reset token is not valid, or no longer: ask for another one.',
    404: NO_ACCOUNTS,
    422: missing('token'),
  },
  logOut: { 404: NO_SESSION, 422: UNKNOWN_QUERY },
  listSessions: { 404: NO_ACCOUNT, 422: PAGE_TOO_SMALL },
  getSession: { 404: NO_SESSION, 422: NO_SESSION_ID },
  endSession: { 404: NO_SESSION, 422: NO_SESSION_ID },
  endAllSessions: { 404: NO_ACCOUNT, 422: UNKNOWN_QUERY },
  changePassword: {
    404: NO_ACCOUNT,
    422: missing('current_password'),
    429: ATTEMPTS,
  },
  getReadiness: { 503: 'This process is shutting down.' },
  getSystem: { 422: UNKNOWN_QUERY },
  listProjects: { 422: PAGE_TOO_SMALL },
  createProject: { 422: missing('name') },
  updateProject: { 422: { loc: ['body', 'name'], type: 'string_type', msg: 'must be a string' } },
  createEventDestination: { 409: TOO_MANY_DESTINATIONS, 422: missing('url') },
  getEventDestination: { 404: NO_DESTINATION },
  updateEventDestination: ONE_DESTINATION,
  rotateEventDestination: { ...ONE_DESTINATION, 409: TOO_MANY_FORMER_SECRETS },
  deleteEventDestination: { 404: NO_DESTINATION },
  listEventDeliveries: { 404: NO_DESTINATION },
  retryEventDelivery: { 404: NO_DELIVERY_OF_EVENT },
  recoverEventDestination: { 404: NO_DESTINATION, 422: missing('since') },
  testEventDestination: { 404: NO_DESTINATION },
  listOperatorEventDeliveries: ONE_DESTINATION,
  retryOperatorEventDelivery: { 404: NO_DELIVERY_OF_EVENT, 422: NO_DESTINATION_ID },
  recoverOperatorEventDestination: { 404: NO_DESTINATION, 422: missing('since') },
  testOperatorEventDestination: ONE_DESTINATION,
  listOperatorEventDestinations: { 422: UNKNOWN_QUERY },
  createOperatorEventDestination: { 409: TOO_MANY_DESTINATIONS, 422: missing('url') },
  getOperatorEventDestination: ONE_DESTINATION,
  updateOperatorEventDestination: ONE_DESTINATION,
  rotateOperatorEventDestination: { ...ONE_DESTINATION, 409: TOO_MANY_FORMER_SECRETS },
  deleteOperatorEventDestination: ONE_DESTINATION,
  createServiceAccount: { 409: TOO_MANY_ACCOUNTS, 422: missing('name') },
  updateServiceAccount: { 404: NO_SERVICE_ACCOUNT, 422: NO_ACCOUNT_ID },
  rotateServiceAccount: { 404: NO_SERVICE_ACCOUNT, 409: ACCOUNT_EXPIRED, 422: NO_ACCOUNT_ID },
  revokeServiceAccount: { 404: NO_SERVICE_ACCOUNT },
  createGatewayKey: { 409: TOO_MANY_GATEWAY_KEYS, 422: missing('name') },
  updateGatewayKey: { 404: NO_GATEWAY_KEY, 422: NO_GATEWAY_KEY_ID },
  rotateGatewayKey: { 404: NO_GATEWAY_KEY, 409: GATEWAY_KEY_EXPIRED, 422: NO_GATEWAY_KEY_ID },
  getGatewayKeyUsage: { 404: NO_GATEWAY_KEY },
  revokeGatewayKey: { 404: NO_GATEWAY_KEY },
  createConnectLink: {
    409: 'The project has 100 open links, which is the most: revoke one first.',
    422: missing('mode'),
  },
  revokeConnectLink: { 404: 'There is no open link with this id.' },
  getConnectPage: { ...CONNECT_ERRORS, 422: UNKNOWN_QUERY },
  checkConnectKey: { ...CONNECT_ERRORS, 422: missing('secret_key') },
  completeConnectLink: { ...CONNECT_ERRORS, 422: missing('secret_key') },
  createOperatorServiceAccount: { 409: TOO_MANY_ACCOUNTS, 422: missing('name') },
  updateOperatorServiceAccount: { 404: NO_SERVICE_ACCOUNT, 422: NO_ACCOUNT_ID },
  rotateOperatorServiceAccount: { 404: NO_SERVICE_ACCOUNT, 409: ACCOUNT_EXPIRED, 422: NO_ACCOUNT_ID },
  revokeOperatorServiceAccount: { 404: NO_SERVICE_ACCOUNT, 422: NO_ACCOUNT_ID },
  listOperatorServiceAccounts: { 422: UNKNOWN_QUERY },
  listAllProjects: {
    422: {
      loc: ['query', 'health'],
      msg: 'must be one of unconfigured, unverified, unhealthy, healthy, endpoint_disabled, endpoint_silent, signatures_failing, credentials_expiring',
      type: 'enum',
    },
  },
  provisionProject: {
    409: 'This id is of a deleted project, or of a project of another owner.',
    422: missing('owner_id'),
  },
  pauseProjectGateway: { 422: missing('paused') },
  transferAnyProject: { 409: 'This person owns the project already.', 422: missing('subject') },
  addMember: { 409: HAS_ROLE, 422: missing('role') },
  updateMember: { 404: NO_MEMBER, 409: OWNER_STAYS, 422: missing('role') },
  removeMember: { 404: NO_MEMBER, 409: OWNER_STAYS },
  transferProject: {
    409: 'This person is not a member; add them to the project first.',
    422: missing('subject'),
  },
  withdrawInvitation: { 404: NO_INVITATION },
  acceptInvitation: { 404: NO_INVITATION, 409: HAS_ROLE, 422: missing('token') },
  createEndUserToken: { 422: missing('user_id') },
  saveStripeConfig: {
    422: {
      loc: ['body', 'test_secret_key'],
      msg: 'must start with sk_test_; this looks like a live secret key',
      type: 'value_error',
    },
  },
  deleteStripeCredentialsOfMode: {
    422: { loc: ['path', 'mode'], msg: 'must be test or live', type: 'enum' },
  },
  listStripeConfigHistory: { 422: PAGE_TOO_SMALL },
  validateStripeCredentials: { 422: missing('secret_key') },
  createStripeWebhookEndpoint: { 404: NO_TEST_KEY, 409: ENDPOINT_BUSY, 422: missing('mode') },
  deleteStripeWebhookEndpoint: { 409: ENDPOINT_BUSY },
  listProjectSubscriptions: { 422: PAGE_TOO_SMALL },
  listProjectPayments: { 422: PAGE_TOO_SMALL },
  listSubscriptions: { 422: PAGE_TOO_SMALL },
  listTransactions: { 422: PAGE_TOO_SMALL },
  listPaymentProjects: { 422: PAGE_TOO_SMALL },
  getPaymentStats: { 422: NO_FLAG },
  getPaymentStatsSeries: { 422: UNKNOWN_QUERY },
  getProjectStatsSeries: { 422: UNKNOWN_QUERY },
  createCheckoutSession: {
    402: DECLINED,
    404: NO_TEST_KEY,
    409: 'You have a subscription already; change it, or set allow_existing_subscription to buy another one.',
    422: missing('price_id'),
  },
  openCustomerPortal: {
    402: DECLINED,
    404: NO_TEST_KEY,
    409: "The customer portal is not set up: the project's owner has to save its settings in Stripe's Dashboard.",
    422: missing('return_url'),
  },
  getMySubscription: { 409: OUT_OF_ORDER, 422: NO_FLAG },
  cancelMySubscription: {
    402: DECLINED,
    404: 'You have no subscription here.',
    409: SAME_KEY_RUNS,
    422: NO_BODY_FLAG('cancel_immediately'),
  },
  updateMySubscription: {
    402: DECLINED,
    404: 'You have no subscription here.',
    409: SAME_KEY_RUNS,
    422: missing('new_price_id'),
  },
  listMyPayments: { 409: OUT_OF_ORDER, 422: PAGE_TOO_SMALL },
  receiveStripeEvent: {
    400: 'The signature does not match the stored webhook secret.',
    404: "This URL receives no events; compare it with the project's webhook URL, and store the webhook secret of its mode.",
    429: 'Too many request bodies are arriving from this address; try again shortly.',
    500: 'The event could not be processed, and is to be sent again.',
  },
  listStripeEvents: { 422: PAGE_TOO_SMALL },
  replayStripeEvent: {
    404: 'There is no event with this id.',
    409: 'Stripe does not accept the stored secret key; store a new one.',
    410: PAYLOAD_GONE,
  },
  getStripeEventPayload: { 404: 'There is no event with this id.', 410: PAYLOAD_GONE },
  reconcileWithStripe: {
    409: 'This project is being reconciled right now; try again shortly.',
    422: missing('mode'),
  },
};

/** Adds an example to every JSON body: the story's requests and answers, and errors of the operation. */
export function addExamples({ paths, components }: OpenAPIObject): void {
  const schemas = components?.schemas ?? {};
  for (const [path, item] of Object.entries(paths)) {
    for (const operation of operationsOf(item)) {
      const { requestBody, responses, operationId = '' } = operation;
      if (requestBody && 'content' in requestBody)
        setExamples(requestBody.content, (schema) => exampleOf(schemas, schema));
      for (const [status, response] of Object.entries(responses)) {
        if (!response || !('content' in response) || !response.content) continue;
        const error =
          Number(status) >= 400
            ? (ERRORS_OF[operationId]?.[status] ?? ERRORS[status] ?? refusalOf(path, operation))
            : undefined;
        setExamples(response.content, (schema) =>
          error === undefined
            ? exampleOf(schemas, schema)
            : { detail: typeof error === 'string' ? error : [error] },
        );
      }
    }
  }
}

/** Example message for 403. */
function refusalOf(path: string, { tags = [] }: Operation): string {
  if (tags.includes('Billing')) return FOR_END_USERS;
  if (tags.includes('Operator')) return FOR_OPERATORS;
  return path.includes('{project_id}') ? NOT_A_MEMBER : FOR_DEVELOPERS;
}

function setExamples(content: Content, of: (schema: SchemaOrReference) => unknown): void {
  for (const media of Object.values(content)) if (media.schema) media.example = of(media.schema);
}

function exampleOf(
  schemas: Record<string, SchemaOrReference>,
  schema: SchemaOrReference,
  name = '',
): unknown {
  if ('$ref' in schema) {
    const referred = schema.$ref.replace('#/components/schemas/', '');
    const found = schemas[referred];
    return found && exampleOf(schemas, found, referred);
  }
  if (schema.properties) {
    const derive = DERIVED[name] ?? ((_: string, example: unknown) => example);
    const fields = Object.entries(schema.properties).map(([field, property]) => [
      field,
      derive(field, exampleOf(schemas, property)),
    ]);
    return { ...Object.fromEntries(fields), ...STORY[name] };
  }
  if (schema.example !== undefined) return schema.example;
  const [first] = [...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  if (first) return exampleOf(schemas, first);
  if (schema.items) return [exampleOf(schemas, schema.items)];
  return schema.enum?.[0];
}

export function operationsOf({ get, put, post, patch, delete: remove }: PathItem): Operation[] {
  return [get, put, post, patch, remove].filter((operation) => operation !== undefined);
}
