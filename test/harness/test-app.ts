import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { resolve } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import request, { type Test } from 'supertest';
import { DataSource } from 'typeorm';
import { createApp } from '../../src/bootstrap/app.js';
import { AppLogger } from '../../src/http/app-logger.js';
import type { BodyLimits } from '../../src/http/bodies/request-bodies.js';
import { Settings } from '../../src/config/settings.js';
import { loadSettings } from '../../src/config/load-settings.js';
import { createMigrationDataSource } from '../../src/database/data-source.js';
import { migrate } from '../../src/database/migrate.js';
import { openApiDocument } from '../../src/http/openapi/docs.js';
import { ResponseChecker } from './response-checker.js';
import { createTestDatabase, engine, type TestDatabase } from './database/test-database.js';
import { accessToken, TOKEN_SECRET } from './tokens.js';

type Environment = Record<string, string | undefined>;

export interface TestApp {
  readonly app: NestFastifyApplication;
  readonly database: TestDatabase;
  readonly environment: Environment;
  /** The lines of the log. */
  readonly log: string[];
  /** A request with a developer's token; `null` sends none. */
  send(
    method: 'get' | 'post' | 'put' | 'delete' | 'patch' | 'head',
    path: string,
    token?: string | null,
  ): Test;
  /** Makes a project. @returns its id */
  createProject(token?: string, name?: string): Promise<string>;
  /** Fails if an answer did not match the OpenAPI document. */
  close(): Promise<void>;
}

export interface TestAppOptions {
  environment?: Environment;
  bodyLimits?: BodyLimits;
  /** Folder of the built console. */
  pages?: string;
  /** Shared with another app, or kept over a restart; then the caller drops it. */
  database?: TestDatabase;
}

export const OWNER = accessToken({ sub: 'developer-1' });
export const STRANGER = accessToken({ sub: 'developer-2' });

export const configPath = (projectId: string): string =>
  `/api/v1/payments/stripe/projects/${projectId}/config`;

/** The environment of an app in a test. Apps that share a database share it. */
export function testEnvironment(database: TestDatabase): Environment {
  return {
    NODE_ENV: 'test',
    PORT: '0',
    DATA_DIR: database.folder,
    DATABASE_URL: database.url,
    MASTER_KEY: randomBytes(32).toString('base64'),
    AUTH_JWT_SECRET: TOKEN_SECRET,
    RATE_LIMIT_PER_MINUTE: '0',
    LOG_LEVEL: 'debug',
  };
}

/** A database with the schema, which PostgreSQL copies much faster than it makes the tables. */
let original: Promise<TestDatabase> | undefined;

async function makeOriginal(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  await migrate(createMigrationDataSource(loadSettings(testEnvironment(database)).database));
  rmSync(database.folder, { recursive: true });
  return database;
}

async function createMigratedDatabase(): Promise<TestDatabase> {
  return createTestDatabase(engine === 'postgres' ? await (original ??= makeOriginal()) : undefined);
}

/** Shared by all apps of a test file: the document is the same, and to generate it takes longer than a start. */
let responseChecker: ResponseChecker | undefined;

/** The real application on a real database, in this process. */
export async function startTestApp({
  environment: overrides = {},
  database: given,
  bodyLimits,
  pages,
}: TestAppOptions = {}): Promise<TestApp> {
  const database = given ?? (await createMigratedDatabase());
  const environment = { ...testEnvironment(database), ...overrides };
  const log: string[] = [];
  const logger = new AppLogger('debug', { write: (line) => void log.push(line) });
  const loaded = loadSettings(environment);
  const settings = pages === undefined ? loaded : new Settings({ ...loaded, pagesDir: resolve(pages) });
  const app = await createApp(settings, logger, bodyLimits);
  // No test cuts the power: SQLite doesn't wait for the disk, just like the PostgreSQL of the tests.
  if (engine === 'sqlite') await app.get(DataSource).query('PRAGMA synchronous = OFF');
  const checker = (responseChecker ??= new ResponseChecker(openApiDocument(app)));
  const violations = new Set<string>();
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onSend', (sent, reply, payload, done) => {
      const problem = checker.problemOf({
        method: sent.method,
        route: sent.routeOptions.url,
        status: reply.statusCode,
        contentType: reply.getHeader('content-type')?.toString(),
        body: typeof payload === 'string' ? payload : '',
      });
      if (problem !== undefined) violations.add(problem);
      done(null, payload);
    });
  try {
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    await app.listen(Number(environment.PORT), '127.0.0.1');
  } catch (error) {
    // A server would end with its process.
    await app.close();
    throw error;
  }

  const connections = new Agent({ keepAlive: true });
  const send: TestApp['send'] = (method, path, token = OWNER) => {
    const test = request(app.getHttpServer())[method](path).agent(connections);
    return token === null ? test : test.set('authorization', `Bearer ${token}`);
  };
  return {
    app,
    database,
    environment,
    log,
    send,
    createProject: async (token = OWNER, name = 'Corner shop') => {
      const { body } = await send('post', '/api/v1/projects/', token).send({ name }).expect(201);
      return (body as { id: string }).id;
    },
    close: async () => {
      connections.destroy();
      await app.close();
      if (!given) await database.drop();
      if (violations.size > 0)
        throw new Error(`Answers that the OpenAPI document does not have:\n${[...violations].join('\n')}`);
    },
  };
}
