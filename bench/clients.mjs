// Measures a cached `StripeClients.for` of the whole application, on SQLite. Stripe is never called.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from './product.mjs';
import { configRequest, ownerToken } from './requests.mjs';
import { TOKEN_SECRET } from './servers.mjs';
import { isSmall } from './extent.mjs';

const CALLS = isSmall ? 1_000 : 1_000_000;
const TARGET_MICROSECONDS = 5;

const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-bench-'));
const app = await startApp({ DATA_DIR: folder, AUTH_JWT_SECRET: TOKEN_SECRET, SAMPLE_DATA: 'false' });
try {
  const projectId = await configuredProject();
  const callOften = async () => {
    for (let call = 0; call < CALLS; call++) await app.stripeClients.for(projectId, 'test');
  };
  await callOften();
  const start = performance.now();
  await callOften();
  const microseconds = ((performance.now() - start) * 1000) / CALLS;
  console.log(
    `A cached StripeClients.for: ${microseconds.toFixed(2)} µs (target: under ${TARGET_MICROSECONDS} µs)`,
  );
} finally {
  await app.close();
  rmSync(folder, { recursive: true, force: true });
}

async function configuredProject() {
  const authorization = `Bearer ${ownerToken()}`;
  const project = {
    method: 'POST',
    path: '/api/v1/projects/',
    headers: { authorization, 'content-type': 'application/json' },
  };
  const { id } = await send({ ...project, body: JSON.stringify({ name: 'Bench' }) });
  await send(configRequest('PUT', id));
  return id;
}

async function send({ path, ...request }) {
  const response = await fetch(app.url + path, request);
  if (!response.ok)
    throw new Error(`${request.method} ${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
