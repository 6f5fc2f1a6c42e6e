import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DataSource, type EntityTarget, type ObjectLiteral } from 'typeorm';
import type { ProjectId } from '../../src/common/ids.js';
import { Secret } from '../../src/common/secret.js';
import { CREDENTIAL_RULES, type CredentialRule } from '../../src/payments/stripe-config/credential-rules.js';
import { CredentialSealer } from '../../src/payments/stripe-config/credential-sealer.js';
import {
  StripeConfigEntity,
  StripeCredentialEntity,
} from '../../src/payments/stripe-config/stripe-config.entities.js';
import { ConnectionMonitor } from '../../src/payments/webhooks/monitor/connection-monitor.js';
import { ProjectEntity, searchNameOf } from '../../src/projects/project.entity.js';
import { startTestApp, type TestApp } from '../harness/test-app.js';

jest.setTimeout(60 * 60_000);

const FEW = 10_000;
const MANY = 100_000;
/** Rows of one statement, within SQLite's limit of parameters. */
const BATCH = 1_000;
const MINUTE_MS = 60_000;
/** A key is due again after 23 hours. */
const DAY_MINUTES = 23 * 60;
const MEASURED_EVERY_MINUTES = 30;
const MIB = 2 ** 20;
/** How much the heap may differ between two days. A row per project would take more. */
const TOLERANCE_MIB = 8;

const RULE = CREDENTIAL_RULES.find(({ field }) => field === 'test_secret_key') as CredentialRule;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let stripe: Server;
let app: TestApp;
/** Requests with each key. */
const asked = new Uint8Array(MANY);

beforeAll(async () => {
  // Stands in for Stripe, since only the count matters: no key has an endpoint.
  stripe = createServer((request, response) => {
    const number = Number(request.headers.authorization?.slice(-8));
    asked[number] = (asked[number] ?? 0) + 1;
    response.setHeader('content-type', 'application/json');
    response.end('{"object":"list","url":"/v1/webhook_endpoints","data":[],"has_more":false}');
  });
  await once(stripe.listen(0, '127.0.0.1'), 'listening');
  const { port } = stripe.address() as AddressInfo;
  app = await startTestApp({ environment: { STRIPE_API_BASE: `http://127.0.0.1:${port}` } });
});
afterAll(async () => {
  await app.close();
  stripe.close();
  stripe.closeAllConnections();
});

it(`monitors ${MANY} projects with the memory of ${FEW}, and asks Stripe once a day about each key`, async () => {
  const start = Date.now();
  await addProjects(0, FEW);
  const few = await simulateDay(FEW, start);
  await addProjects(FEW, MANY);
  const many = await simulateDay(MANY, start + DAY_MINUTES * MINUTE_MS);
  console.info(
    `heap of ${few.toFixed(1)} MiB with ${FEW} projects, and of ${many.toFixed(1)} MiB with ${MANY}`,
  );
  expect(many - few).toBeLessThan(TOLERANCE_MIB);
});

/** @returns the largest heap in MiB */
async function simulateDay(projects: number, start: number): Promise<number> {
  const monitor = app.app.get(ConnectionMonitor);
  asked.fill(0);
  let heap = 0;
  let isDone = false;
  // After all keys are asked about, every hour: the rest of the day has nothing to do.
  for (let minute = 0; minute < DAY_MINUTES; minute += isDone ? 60 : 1) {
    await monitor.check(new Date(start + minute * MINUTE_MS));
    isDone ||= !asked.subarray(0, projects).includes(0);
    app.log.length = 0;
    if (!isDone && minute % MEASURED_EVERY_MINUTES > 0) continue;
    collectGarbage();
    heap = Math.max(heap, process.memoryUsage().heapUsed / MIB);
  }
  expect([...new Set(asked.subarray(0, projects))]).toEqual([1]);
  return heap;
}

/** Stores the projects with these numbers, each with a key that ends in its number. */
async function addProjects(from: number, to: number): Promise<void> {
  const sealer = app.app.get(CredentialSealer);
  const dataSource = app.app.get(DataSource);
  const now = new Date();
  const times = { createdAt: now, updatedAt: now };
  for (let first = from; first < to; first += BATCH) {
    const numbered = Array.from({ length: Math.min(BATCH, to - first) }, (_, index) => ({
      number: first + index,
      id: randomUUID() as ProjectId,
    }));
    const insert = (entity: EntityTarget<ObjectLiteral>, rows: object[]) =>
      dataSource.createQueryBuilder().insert().into(entity).values(rows).updateEntity(false).execute();
    await insert(
      ProjectEntity,
      numbered.map(({ id, number }) => ({
        id,
        ownerId: 'developer-1',
        name: `Shop ${number}`,
        searchName: searchNameOf(`Shop ${number}`),
        ...times,
      })),
    );
    await insert(
      StripeConfigEntity,
      numbered.map(({ id }) => ({ projectId: id, id: randomUUID(), isActive: true, version: 1, ...times })),
    );
    await insert(
      StripeCredentialEntity,
      numbered.map(({ id, number }) => ({
        projectId: id,
        slot: 0,
        writtenAt: now,
        ...sealer.seal(id, RULE, new Secret(`sk_test_${'a'.repeat(91)}${String(number).padStart(8, '0')}`)),
      })),
    );
  }
}
