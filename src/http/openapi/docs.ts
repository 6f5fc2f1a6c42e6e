import helmet from '@fastify/helmet';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, getSchemaPath, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { addExamples, operationsOf } from './docs-examples.js';
import { documentResponseHeaders } from './response-headers.js';
import { documentWebhooks } from './webhooks.js';

type Operation = ReturnType<typeof operationsOf>[number];

/** The extensions of an operation that say who may call it. */
interface CallersOfOperation {
  readonly 'x-permission'?: {
    readonly name: string;
    readonly roles: readonly string[];
    readonly service_accounts: readonly string[];
    readonly or_self?: boolean;
    readonly each_project?: boolean;
  };
  readonly 'x-operator'?: { readonly service_accounts: readonly string[] };
}

const DESCRIPTION = `
Keeps the Stripe credentials of many projects. A credential is checked and stored encrypted, and no operation returns more than
its last four characters.

**Start here**

1. **Authorize** with an access token, or log in. At a first start the server prints a token for its sample project.
2. **Projects**: \`POST /api/v1/projects/\` makes one; its \`id\` is the \`project_id\` of everything else.
3. **Stripe configuration**: \`PUT …/config\` stores the credentials of your Stripe account. The answer shows them masked.
4. **Stripe connection**: \`validate-credentials\` asks Stripe about a key, and \`webhook-endpoints\` registers this service there.

Operations under Billing are for a project's end users: \`POST …/end-user-tokens\` makes a token for one.
Every error is JSON with one member, \`detail\`.
`.trim();

/** The only route that also accepts a form. */
export const LOGIN_URL = '/api/v1/auth/login';

/** Overrides of helmet's defaults: load nothing from other hosts, and don't upgrade to HTTPS. */
const POLICY = {
  'style-src': ["'self'", "'unsafe-inline'"],
  'font-src': ["'self'", 'data:'],
  'upgrade-insecure-requests': null,
};

const PARAMETER_PLACES = ['path', 'query', 'header', 'cookie'];

/** Generates the OpenAPI document, with headers, examples and security added. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Tillkeeper')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/', 'This server')
    .addBearerAuth(
      {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description:
          "An access token, or the key of a service account. An end user's token is for the operations under Billing.",
      },
      'HTTPBearer',
    )
    .addOAuth2(
      {
        type: 'oauth2',
        flows: { password: { tokenUrl: LOGIN_URL, scopes: {} } },
        description:
          'Logs in a developer with a built-in account, if the accounts are on. End users have no account.',
      },
      'OAuth2PasswordBearer',
    )
    .addTag('Projects', 'Projects, which own the credentials.')
    .addTag(
      'Accounts',
      'Built-in accounts of developers (`AUTH_BUILTIN`). If they are off, these operations answer 404.',
    )
    .addTag('Stripe configuration', "A project's Stripe credentials.")
    .addTag('Stripe connection', 'Verification of credentials, and webhook endpoints at Stripe.')
    .addTag('Webhooks', "Stripe's events and their outcomes.")
    .addTag('Events', 'What happens in a project, sent to destinations or pulled.')
    .addTag(
      'Billing',
      "Checkout and subscriptions of a project's end users, with an end user's access token.",
    )
    .addTag('Subscriptions and payments', "Subscriptions and payments of the projects' customers.")
    .addTag('Gateway keys', 'Keys for Stripe SDKs, which reach Stripe through this service.')
    .addTag('Connect', 'Links on which a tenant connects Stripe, and what their page needs.')
    .addTag('Service accounts', 'Keys for machines, such as the backend of a platform.')
    .addTag(
      'Operator',
      "The projects of all tenants, for the platform's backend and staff: with a service account of the operator, or with a token that has the scope of `AUTH_OPERATOR_SCOPE`.",
    )
    .addTag('Health', 'For load balancers and orchestrators.')
    .build();
  const document = SwaggerModule.createDocument(app, config);
  documentResponseHeaders(document);
  documentWebhooks(document, Object.values(document.paths).flatMap(operationsOf));
  for (const operation of Object.values(document.paths).flatMap(operationsOf)) {
    if (operation.security?.length) operation.security = securityOf(operation);
    operation.parameters?.sort((one, other) => rankOf(one) - rankOf(other));
    describeCallers(operation);
    dropOptionalExamples(operation);
    dropReflectedTypes(operation);
  }
  const login = document.paths[LOGIN_URL]?.post?.requestBody;
  if (login && 'content' in login)
    login.content['application/x-www-form-urlencoded'] = { schema: { $ref: getSchemaPath('LoginForm') } };
  addExamples(document);
  // Clients use this path with its slash; both forms work.
  const { '/api/v1/projects': projects, ...paths } = document.paths;
  return { ...document, paths: projects ? { '/api/v1/projects/': projects, ...paths } : paths };
}

/** Orders schemes, because the docs page sends the last authorized one. End users must paste a token. */
function securityOf({ tags, security = [] }: Operation): Operation['security'] {
  const [pasted, loggedIn] = [{ HTTPBearer: [] }, { OAuth2PasswordBearer: [] }];
  if (!tags?.includes('Billing')) return [pasted, loggedIn];
  // Existing clients look for the checkout token under this name.
  return security.some((scheme) => 'OAuth2PasswordBearer' in scheme) ? [loggedIn, pasted] : [pasted];
}

/** Sorts parameters for the docs page: required path parameters come first. */
function rankOf(parameter: NonNullable<Operation['parameters']>[number]): number {
  return '$ref' in parameter ? PARAMETER_PLACES.length : PARAMETER_PLACES.indexOf(parameter.in);
}

/** Adds to the description of an operation who may call it. */
function describeCallers(operation: Operation & CallersOfOperation): void {
  const { 'x-permission': permission, 'x-operator': operator } = operation;
  const sentences = [
    operation.description,
    permission &&
      `${permission.each_project ? 'Covers each project in which you have the permission' : 'Needs the permission'} \`${permission.name}\`; it comes with the role ${oneOf(permission.roles)}.`,
    permission?.or_self && 'Every member has it over themselves, whatever their role.',
    permission &&
      (permission.service_accounts.length > 0
        ? `Operators have it, and service accounts with the role ${oneOf(permission.service_accounts)}.`
        : permission.roles.includes('admin')
          ? 'Operators have it; service accounts of a project do not.'
          : 'Neither operators nor service accounts have it.'),
    operator &&
      (operator.service_accounts.length > 0
        ? `For operators: people, and service accounts of the operator with the role ${oneOf(operator.service_accounts)}.`
        : 'For operators who are people: a service account manages no service accounts.'),
  ];
  operation.description = sentences.filter(Boolean).join(' ');
}

function oneOf(roles: readonly string[]): string {
  const names = roles.map((role) => `\`${role}\``).join(', ');
  return names.replace(/, (?=[^,]*$)/, ' or ');
}

/** Removes examples of optional parameters, because the docs page would send them. */
function dropOptionalExamples({ parameters = [] }: Operation): void {
  for (const parameter of parameters) {
    if ('$ref' in parameter || parameter.required || !parameter.schema || '$ref' in parameter.schema)
      continue;
    if (parameter.schema.default === undefined) delete parameter.schema.example;
  }
}

/** Removes the single type that TypeScript reflected beside `anyOf`. */
function dropReflectedTypes({ parameters = [] }: Operation): void {
  for (const parameter of parameters) {
    if (!('$ref' in parameter) && parameter.schema && !('$ref' in parameter.schema) && parameter.schema.anyOf)
      delete parameter.schema.type;
  }
}

/** Parts of Swagger UI used by the plugin. Its `persistAuthorization` would store tokens permanently. */
interface SwaggerUi {
  authActions: { restoreAuthorization(saved: { authorized: unknown }): void };
  authSelectors: { authorized(): { toJS(): Record<string, { password?: string }> } };
}
type Action = (payload?: unknown) => unknown;

/**
 * Keeps the login across reloads until the tab is closed.
 * Must be self-contained: its source text runs in the page.
 */
function keepLoginInSession(): unknown {
  const { sessionStorage } = globalThis as unknown as {
    sessionStorage: { getItem(key: string): string | null; setItem(key: string, text: string): void };
  };
  const key = 'tillkeeper-authorized';
  return {
    statePlugins: {
      auth: {
        wrapActions: {
          persistAuthorizationIfNeeded: (_original: Action, ui: SwaggerUi) => () => {
            const authorized = ui.authSelectors.authorized().toJS();
            // Stores the token but no password.
            for (const login of Object.values(authorized)) delete login.password;
            sessionStorage.setItem(key, JSON.stringify(authorized));
          },
        },
      },
      configs: {
        wrapActions: {
          loaded: (original: Action, ui: SwaggerUi) => (payload: unknown) => {
            original(payload);
            const saved = sessionStorage.getItem(key);
            if (saved !== null)
              ui.authActions.restoreAuthorization({ authorized: JSON.parse(saved) as unknown });
          },
        },
      },
    },
  };
}

/** Hides Swagger's top bar, and prevents horizontal scrolling on narrow screens. */
const STYLE = `
.swagger-ui .topbar { display: none; }
@media (max-width: 640px) {
  .swagger-ui .wrapper { padding: 0 10px; }
  .swagger-ui .opblock .opblock-summary { flex-wrap: wrap; }
  .swagger-ui .opblock .opblock-summary-path { max-width: 100%; flex: 1 1 60%; word-break: break-all; }
  .swagger-ui .opblock .opblock-summary-description { flex: 1 1 100%; padding: 4px 10px; }
  .swagger-ui .opblock-tag { flex-wrap: wrap; }
  .swagger-ui .opblock-tag small { flex: 1 1 100%; padding: 4px 0; }
  .swagger-ui table.parameters, .swagger-ui table.responses-table { display: block; }
  .swagger-ui table.parameters tbody, .swagger-ui table.parameters tr, .swagger-ui table.parameters td,
  .swagger-ui table.responses-table tbody, .swagger-ui table.responses-table tr, .swagger-ui table.responses-table td { display: block; width: 100%; max-width: 100%; }
  .swagger-ui table.parameters thead, .swagger-ui table.responses-table thead { display: none; }
  .swagger-ui .parameters-col_description input, .swagger-ui .parameters-col_description textarea { width: 100%; max-width: 100%; }
  .swagger-ui .scheme-container .schemes { flex-wrap: wrap; }
  .swagger-ui .dialog-ux .modal-ux { min-width: 0; width: calc(100vw - 20px); left: 10px; transform: translate(0, -50%); }
}
`;

export function isDocsUrl(url: string): boolean {
  return url.startsWith('/docs');
}

/** URLs of the document for programs. */
const DOCUMENT_URLS = ['/docs-json', '/docs-yaml'];

/** @param home where a browser at `/` is sent */
export async function serveDocs(app: NestFastifyApplication, home = '/docs'): Promise<void> {
  await app.register(helmet, { global: false, contentSecurityPolicy: { directives: POLICY } });
  /** Texts of the document by URL. Swagger would write them for each request, which takes 100 ms as YAML. */
  const texts = new Map<string, { type: string; text: string }>();
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', ({ url, method, headers }, reply, done) => {
    if (isDocsUrl(url)) reply.helmet();
    // Redirects browsers; other clients get a 404 in JSON.
    if (url === '/' && method === 'GET' && headers.accept?.includes('text/html'))
      return void reply.redirect(home);
    // The page's asset URLs are relative to /docs.
    if (url === '/docs/' || url === '/docs/index.html') return void reply.redirect('/docs');
    const written = method === 'GET' || method === 'HEAD' ? texts.get(url) : undefined;
    if (written) return void reply.type(written.type).send(written.text);
    done();
  });
  fastify.addHook('onSend', ({ url, method }, reply, text, done) => {
    if (
      method === 'GET' &&
      DOCUMENT_URLS.includes(url) &&
      reply.statusCode === 200 &&
      typeof text === 'string'
    )
      texts.set(url, { type: String(reply.getHeader('content-type')), text });
    done(null, text);
  });
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'docs-json',
    yamlDocumentUrl: 'docs-yaml',
    customSiteTitle: 'Tillkeeper API',
    customCss: STYLE,
    swaggerOptions: {
      displayRequestDuration: true,
      tryItOutEnabled: true,
      defaultModelsExpandDepth: 0,
      plugins: [keepLoginInSession],
    },
  });
}
