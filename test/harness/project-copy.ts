import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventually } from './eventually.js';

type Environment = Record<string, string | undefined>;

export interface Finished {
  readonly code: number | null;
  readonly output: string;
}

/**
 * The project's files in a temporary folder, where npm's scripts may build and write. It shares
 * `node_modules`.
 */
export class ProjectCopy {
  readonly folder = mkdtempSync(join(tmpdir(), 'tillkeeper-project-'));
  readonly #running = new Set<RunningCommand>();

  constructor() {
    const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--deduplicate', '-z'], {
      encoding: 'utf8',
    });
    const deleted = execFileSync('git', ['ls-files', '-d', '-z'], { encoding: 'utf8' }).split('\0');
    for (const file of listed.split('\0'))
      if (file && !deleted.includes(file)) cpSync(file, join(this.folder, file), { recursive: true });
    symlinkSync(resolve('node_modules'), join(this.folder, 'node_modules'), 'dir');
  }

  /** Runs a shell command until it ends. */
  run(command: string, environment: Environment = {}): Promise<Finished> {
    return this.start(command, environment).finished;
  }

  start(command: string, environment: Environment = {}): RunningCommand {
    const running = new RunningCommand(command, this.folder, environment);
    this.#running.add(running);
    return running;
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#running].map((command) => command.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A shell command in a process group of its own, which ends as a whole. */
class RunningCommand {
  readonly finished: Promise<Finished>;
  output = '';
  readonly #child;

  constructor(command: string, folder: string, environment: Environment) {
    const env = { PATH: process.env.PATH, HOME: folder, npm_config_update_notifier: 'false', ...environment };
    this.#child = spawn('sh', ['-c', command], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.finished = new Promise((done) =>
      this.#child.once('close', (code) => done({ code, output: this.output })),
    );
  }

  /** Waits for the output. @returns the match */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    return eventually(async () => {
      const match = pattern.exec(this.output);
      if (!match) throw new Error(`${pattern.source} was not printed:\n${this.output}`);
      return match;
    });
  }

  async stop(): Promise<void> {
    if (this.#child.pid !== undefined && this.#child.exitCode === null)
      try {
        process.kill(-this.#child.pid, 'SIGTERM');
      } catch {
        // It has ended already.
      }
    await this.finished;
  }
}
