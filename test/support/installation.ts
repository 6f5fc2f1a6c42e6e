import { spawn } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Environment, ServerProcess } from './server-process.js';

/**
 * The server as an operator has it, in a temporary folder of its own: compiled, without sources, with what `npm start` needs. What
 * it starts are real processes; those that are still running end with `remove`.
 */
export class Installation {
  readonly folder = mkdtempSync(join(tmpdir(), 'tillkeeper-installation-'));
  readonly #started: ServerProcess[] = [];

  constructor() {
    for (const part of ['package.json', 'scripts', 'nest-cli.json', '.swcrc', 'tsconfig.json'])
      cpSync(part, join(this.folder, part), { recursive: true });
    symlinkSync(resolve('node_modules'), join(this.folder, 'node_modules'), 'dir');
    const compiler = resolve('node_modules/@swc/cli/bin/swc.js');
    const to = ['--out-dir', join(this.folder, 'dist'), '--strip-leading-paths'];
    execFileSync(process.execPath, [compiler, 'src', ...to, '--config-file', '.swcrc', '--quiet'], { stdio: 'pipe' });
  }

  /** Starts the server with nothing in its environment but what is given. It may not listen yet. */
  start(environment: Environment, command: [string, ...string[]] = [process.execPath, join(this.folder, 'dist/main.js')]): ServerProcess {
    const cwd = join(this.folder, `run-${this.#started.length}`);
    mkdirSync(cwd);
    return this.#run(environment, command, cwd);
  }

  /** Starts it by `npm start` in its own folder. */
  startByNpm(environment: Environment): ServerProcess {
    return this.#run({ HOME: this.folder, ...environment }, ['npm', 'start'], this.folder);
  }

  #run(environment: Environment, [program, ...programArguments]: [string, ...string[]], cwd: string): ServerProcess {
    const env = { PATH: process.env.PATH, ...environment };
    const server = new ServerProcess(spawn(program, programArguments, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }));
    this.#started.push(server);
    return server;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#started.map((server) => server.stop('SIGKILL')));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
