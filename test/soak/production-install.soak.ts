import { execSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Installation } from '../harness/installation.js';
import { testEnvironment } from '../harness/test-app.js';
import { createTestDatabase } from '../harness/database/test-database.js';

/** The commands of the image's first stage. */
const COMMANDS = [
  ...(readFileSync('Dockerfile', 'utf8')
    .split(/^FROM /m)[1]
    ?.matchAll(/^RUN (.+)$/gm) ?? []),
].map(([, command = '']) => command);

it('starts and serves with only the packages that the image keeps', async () => {
  const installation = new Installation();
  const database = await createTestDatabase();
  try {
    const { folder } = installation;
    rmSync(join(folder, 'node_modules'));
    for (const file of ['package-lock.json', '.npmrc']) cpSync(file, join(folder, file));
    expect(COMMANDS).toHaveLength(2);
    for (const command of COMMANDS)
      execSync(command, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    for (const name of ['jest', 'typescript', 'express'])
      expect(existsSync(join(folder, 'node_modules', name))).toBe(false);
    const server = installation.start({
      ...testEnvironment(database),
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PUBLIC_BASE_URL: 'https://pay.example.com',
      AUTH_BUILTIN: 'true',
      AUTH_REGISTRATION: 'open',
    });
    expect(await server.send('GET', '/health/ready', { token: null })).toMatchObject({ status: 200 });
    const login = { email: 'ada@example.com', password: 'correct horse battery staple' };
    expect(await server.send('POST', '/api/v1/auth/register', { token: null, body: login })).toMatchObject({
      status: 201,
    });
    const projectId = await server.createProject();
    const body = { test_secret_key: `sk_test_${'a'.repeat(24)}` };
    expect(
      await server.send('PUT', `/api/v1/payments/stripe/projects/${projectId}/config`, { body }),
    ).toMatchObject({ status: 200 });
    expect(await server.send('GET', '/docs', { token: null })).toMatchObject({ status: 200 });
    expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  } finally {
    await installation.remove();
    await database.drop();
  }
});
