import helmet from '@fastify/helmet';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, getSchemaPath, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { LoginForm } from './accounts/dto/account.requests.js';
import { LOGIN_URL } from './accounts/login-form.js';
import { CLOSED_DTOS } from './common/request.pipe.js';
import { documentResponseHeaders } from './response-headers.js';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;

const DESCRIPTION = `
Keeps the Stripe credentials of many projects: a credential goes in once, is checked on the way in, and never comes out again
except as its last four characters.

Send an access token as \`Authorization: Bearer <token>\`: a developer's, or for what stands under Billing an end user's. Every error is JSON with one member, \`detail\`.
`.trim();

/** Beside what is the default: nothing from elsewhere, not even over https. */
const POLICY = { 'style-src': ["'self'", "'unsafe-inline'"], 'font-src': ["'self'", 'data:'], 'upgrade-insecure-requests': null };

/** The OpenAPI document that we serve: all of the contract that is built, and what we add to it. */
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
        description: "An access token: an end user's for the operations under Billing, a developer's for all others.",
      },
      'HTTPBearer',
    )
    .addOAuth2(
      {
        type: 'oauth2',
        flows: { password: { tokenUrl: LOGIN_URL, scopes: {} } },
        description: 'Logs in a developer with an account of this service, where it keeps accounts. An end user has no such account.',
      },
      'OAuth2PasswordBearer',
    )
    .addTag('Accounts', 'Developers of the built-in authorization server (`AUTH_BUILTIN`); without it, these answer 404.')
    .addTag('Stripe configuration', "A project's Stripe credentials.")
    .addTag('Stripe connection', 'Whether the credentials work, and webhook endpoints at Stripe.')
    .addTag('Webhooks', "Stripe's events: what arrives, and what became of it.")
    .addTag('Billing', "What a project's end users buy, and what they do with it. With an end user's access token.")
    .addTag('Subscriptions and payments', 'What customers of the projects subscribed to and paid.')
    .addTag('Projects', 'What credentials belong to.')
    .addTag('Health', 'For load balancers and orchestrators.')
    .build();
  const document = SwaggerModule.createDocument(app, config);
  documentResponseHeaders(document);
  closeSchemas(document);
  for (const operation of Object.values(document.paths).flatMap(operationsOf)) {
    if (operation.security?.length && !isForBuyers(operation)) operation.security = [{ HTTPBearer: [] }, { OAuth2PasswordBearer: [] }];
    dropOptionalExamples(operation);
    dropReflectedTypes(operation);
  }
  const login = document.paths[LOGIN_URL]?.post?.requestBody;
  if (login && 'content' in login) login.content['application/x-www-form-urlencoded'] = { schema: { $ref: getSchemaPath(LoginForm) } };
  // Clients know this path with its slash; both answer.
  const { '/api/v1/projects': projects, ...paths } = document.paths;
  return { ...document, paths: projects ? { '/api/v1/projects/': projects, ...paths } : paths };
}

/** Nobody who logs in here may do these. */
function isForBuyers({ tags }: Operation): boolean {
  return tags?.includes('Billing') ?? false;
}

/** Says of the bodies that take no unknown field that they don't. */
function closeSchemas({ components }: OpenAPIObject): void {
  for (const [name, schema] of Object.entries(components?.schemas ?? {})) {
    if (CLOSED_DTOS.has(name) && !('$ref' in schema)) schema.additionalProperties = false;
  }
}

/** The page fills in what has an example: a filter or condition that nobody asked for would be sent along. */
function dropOptionalExamples({ parameters = [] }: Operation): void {
  for (const parameter of parameters) {
    if ('$ref' in parameter || parameter.required || !parameter.schema || '$ref' in parameter.schema) continue;
    if (parameter.schema.default === undefined) delete parameter.schema.example;
  }
}

/** Where several types are allowed, the one that TypeScript's metadata has is not the only one. */
function dropReflectedTypes({ parameters = [] }: Operation): void {
  for (const parameter of parameters) {
    if (!('$ref' in parameter) && parameter.schema && !('$ref' in parameter.schema) && parameter.schema.anyOf) delete parameter.schema.type;
  }
}

/** An access token is the same thing however it was come by. */
function operationsOf({ get, put, post, delete: remove }: PathItem): Operation[] {
  return [get, put, post, remove].filter((operation) => operation !== undefined);
}

export function isDocsUrl(url: string): boolean {
  return url.startsWith('/docs');
}

export async function serveDocs(app: NestFastifyApplication): Promise<void> {
  await app.register(helmet, { global: false, contentSecurityPolicy: { directives: POLICY } });
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', ({ url }, reply, done) => {
    if (isDocsUrl(url)) reply.helmet();
    // The page names its files relative to /docs.
    if (url === '/docs/' || url === '/docs/index.html') return void reply.redirect('/docs');
    done();
  });
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'docs-json',
    yamlDocumentUrl: 'docs-yaml',
    customSiteTitle: 'Tillkeeper API',
    swaggerOptions: { displayRequestDuration: true, tryItOutEnabled: true, defaultModelsExpandDepth: 0 },
  });
}
