import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from './environment.js';
import { loadEnvFile } from './environment.js';

const environment = process.env;
const home = process.cwd();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'env-file-'));
  process.chdir(folder);
  process.env = { PORT: '1', HOST: '' };
});
afterEach(() => {
  process.chdir(home);
  process.env = environment;
  rmSync(folder, { recursive: true });
});

it('adds only variables that the environment lacks', () => {
  writeFileSync('.env', 'PORT=2\nHOST=::1\nLOG_LEVEL="debug" # loud\n');
  loadEnvFile();
  expect(process.env).toEqual({ PORT: '1', HOST: '', LOG_LEVEL: 'debug' });
});

it('accepts a missing file', () => {
  loadEnvFile();
  expect(process.env).toEqual({ PORT: '1', HOST: '' });
});

it('reports an unreadable file', () => {
  mkdirSync('.env');
  expect(loadEnvFile).toThrow(ConfigurationError);
});
