// For `npm run demo`, which has built the server and compiled the story: runs the story in the terminal, with
// a temporary database and a fake Stripe.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const COMPILED = new URL('../node_modules/.cache/demo/', import.meta.url);
const FIXTURES = 'test/fixtures/stripe';
const START_MS = 15_000;

cpSync(new URL(`../${FIXTURES}`, import.meta.url), new URL(FIXTURES, COMPILED), { recursive: true });
writeFileSync(new URL('package.json', COMPILED), '{ "type": "module" }\n');
const { StripeServer } = await import(new URL('test/harness/stripe/stripe-server.js', COMPILED).href);
const { tellStory } = await import(new URL('test/harness/story/story.js', COMPILED).href);
const { startApplication } = await import(new URL('test/harness/story/application.js', COMPILED).href);

const started = performance.now();
const tell = (sentence) =>
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${sentence}`);

const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-demo-'));
const stripe = await new StripeServer().start();
const baseUrl = `http://127.0.0.1:${await freePort()}`;
const environment = {
  PORT: new URL(baseUrl).port,
  PUBLIC_BASE_URL: baseUrl,
  STRIPE_API_BASE: stripe.url,
  DATA_DIR: folder,
  SAMPLE_DATA: 'false',
  LOG_LEVEL: 'error',
};
const server = spawn(process.execPath, [fileURLToPath(new URL('../dist/main.js', import.meta.url))], {
  cwd: folder,
  env: { PATH: process.env.PATH, ...environment },
  stdio: ['ignore', 'inherit', 'inherit'],
});
const application = await startApplication();
try {
  await answers(`${baseUrl}/health/ready`);
  tell(`Tillkeeper answers on ${baseUrl}, with a new database and a Stripe on ${stripe.url}.`);
  await tellStory(baseUrl, stripe, tell, application);
} finally {
  application.stop();
  server.kill('SIGTERM');
  await once(server, 'exit');
  await stripe.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function answers(url) {
  for (const end = Date.now() + START_MS; ; await wait(50)) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    if (server.exitCode !== null || Date.now() > end) throw new Error('The server did not start.');
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
