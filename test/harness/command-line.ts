import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from '../../src/cli/program.js';
import type { Installation } from './installation.js';
import type { Environment, ServerProcess } from './servers/server-process.js';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Starts `tillkeeper …` of the installation in a process of its own. */
export function startCommand(
  installation: Installation,
  environment: Environment,
  ...args: string[]
): ServerProcess {
  return installation.start(environment, [
    process.execPath,
    join(installation.folder, 'dist/cli/main.js'),
    ...args,
  ]);
}

/** Runs `tillkeeper …` in a process of its own until it ends. */
export async function runCommand(
  installation: Installation,
  environment: Environment,
  ...args: string[]
): Promise<Ended> {
  const command = startCommand(installation, environment, ...args);
  const { code } = await command.ended;
  return { code, output: command.output, errors: command.errors };
}

/**
 * Runs `tillkeeper …` in this process, without loading the program again: for tests of a command's effects.
 * Tests of signals, standard input and loaded modules use `runCommand`. Never run two at a time: environment
 * and streams are replaced.
 */
export async function runInProcess(environment: Environment, ...args: string[]): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-command-'));
  const before = {
    environment: process.env,
    folder: process.cwd(),
    umask: process.umask(),
    exitCode: process.exitCode,
  };
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    jest.spyOn(process[name], 'write').mockImplementation((text, ...others: unknown[]) => {
      written[name] += String(text);
      const callback = others.at(-1);
      if (typeof callback === 'function') (callback as () => void)();
      return true;
    }),
  );
  process.env = { PATH: process.env.PATH, ...environment };
  process.chdir(folder);
  try {
    const code = await runCommandLine(args, new AbortController().signal);
    return { code, output: written.stdout, errors: written.stderr };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.env = before.environment;
    process.chdir(before.folder);
    process.umask(before.umask);
    process.exitCode = before.exitCode;
    rmSync(folder, { recursive: true });
  }
}
