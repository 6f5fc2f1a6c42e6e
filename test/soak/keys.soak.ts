import { Installation } from '../harness/installation.js';
import {
  fillVault,
  KeyCommands,
  rotateThroughKill,
  rotateUnderLoad,
  wakeAfterRetirement,
} from '../harness/vault/key-rotation.js';
import { startTestApp, type TestApp } from '../harness/test-app.js';

jest.setTimeout(60 * 60_000);

/** Six sealed values each. */
const PROJECTS = 16_667;
const CLIENTS = 8;
const ROUNDS = 20;

let installation: Installation;
let app: TestApp;
let commands: KeyCommands;
let projectIds: string[];

beforeAll(async () => {
  installation = new Installation();
  app = await startTestApp();
  commands = new KeyCommands(installation, app);
  projectIds = await fillVault(app, PROJECTS);
});
afterAll(async () => {
  await app.close();
  await installation.remove();
});

it('reseals 100,000 rows while clients read and write, and fails none of their requests', async () => {
  const { requests, resealed } = await rotateUnderLoad(commands, app, projectIds, CLIENTS);
  console.info(`${resealed} rows resealed during ${requests} requests`);
});

it('keeps every row readable after a kill -9 half way, and leaves none on the old key after another run', () =>
  rotateThroughKill(commands, app));

it(`stores nothing sealed under a retired key by a paused process, in ${ROUNDS} rounds`, async () => {
  for (let round = 0; round < ROUNDS; round += 1) await wakeAfterRetirement(commands, app, installation);
});
