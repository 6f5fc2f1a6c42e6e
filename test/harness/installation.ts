import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { transformSync } from '@swc/core';
import { type Environment, ServerProcess } from './servers/server-process.js';

/**
 * An operator's installation in a temporary folder: compiled, without sources, with everything that `npm
 * start` needs. Its servers are real processes. `remove` ends those that still run.
 */
export class Installation {
  readonly folder = mkdtempSync(join(tmpdir(), 'tillkeeper-installation-'));
  readonly #started: ServerProcess[] = [];

  constructor() {
    for (const part of ['package.json', 'scripts', 'nest-cli.json', '.swcrc', 'tsconfig.json'])
      cpSync(part, join(this.folder, part), { recursive: true });
    symlinkSync(resolve('node_modules'), join(this.folder, 'node_modules'), 'dir');
    cpSync(compiledSources(), join(this.folder, 'dist'), { recursive: true });
  }

  /** Starts the server with only the given environment. It may not listen yet. */
  start(
    environment: Environment,
    command: [string, ...string[]] = [process.execPath, join(this.folder, 'dist/main.js')],
  ): ServerProcess {
    const cwd = join(this.folder, `run-${this.#started.length}`);
    mkdirSync(cwd);
    return this.#run(environment, command, cwd);
  }

  /** Starts it by `npm start` in its own folder. */
  startByNpm(environment: Environment): ServerProcess {
    return this.#run({ HOME: this.folder, ...environment }, ['npm', 'start'], this.folder);
  }

  #run(
    environment: Environment,
    [program, ...programArguments]: [string, ...string[]],
    cwd: string,
  ): ServerProcess {
    const env = { PATH: process.env.PATH, ...environment };
    const server = new ServerProcess(
      spawn(program, programArguments, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    this.#started.push(server);
    return server;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#started.map((server) => server.stop('SIGKILL')));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Cache of compiled sources, shared by test files and runs. */
const CACHE = resolve('node_modules/.cache/tillkeeper-installation');

/** Compiles the sources once for all test files. @returns the folder, named by a hash of its content */
function compiledSources(): string {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .map((name) => ({ name, text: readFileSync(join('src', name), 'utf8') }));
  const hash = createHash('sha256')
    .update(readFileSync('.swcrc'))
    .update(readFileSync('scripts/bundle.mjs'))
    .update(readFileSync('package-lock.json'))
    .update(JSON.stringify(sources))
    .digest('hex');
  const folder = join(CACHE, hash);
  if (existsSync(folder)) return folder;

  mkdirSync(CACHE, { recursive: true });
  // Other workers may be compiling the current sources: only folders of earlier sources are removed.
  const stale = readdirSync(CACHE).filter((name) => !name.startsWith(hash));
  for (const name of stale) rmSync(join(CACHE, name), { recursive: true, force: true });
  const unfinished = mkdtempSync(`${folder}-`);
  for (const { name, text } of sources) {
    const file = join(unfinished, name.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      transformSync(text, { swcrc: true, filename: join('src', name), sourceMaps: false }).code,
    );
  }
  const { status, stderr } = spawnSync(process.execPath, ['scripts/bundle.mjs', unfinished], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    // Another worker finished first.
    if (!existsSync(folder)) throw error;
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}
